//! Rights: what a capability allows its holder to do with the object.

/// A set of rights. Rights only shrink along the derivation tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub struct Rights(pub u16);

macro_rules! rights {
    ($($(#[$doc:meta])* $constant:ident $name:literal = $bit:literal;)*) => {
        impl Rights {
            $($(#[$doc])* pub const $constant: Rights = Rights(1 << $bit);)*

            /// Every right with its name in manifests and documents.
            pub const NAMES: &'static [(&'static str, Rights)] = &[$(($name, Rights::$constant)),*];
            /// All rights that exist.
            pub const ALL: Rights = Rights(0 $(| 1 << $bit)*);
        }
    };
}

rights! {
    /// Frames: map readable. IoPorts: read a port. CNodes: inspect and copy out. Threads: read registers.
    READ "read" = 0;
    /// Frames: map writable. IoPorts: write a port. CNodes: change slots. Threads: write registers, suspend and resume.
    WRITE "write" = 1;
    /// Frames: map executable.
    EXECUTE "execute" = 2;
    /// Endpoints: send and call. Notifications: signal. VCpus: kick.
    SEND "send" = 3;
    /// Endpoints: receive. Notifications: wait and poll.
    RECEIVE "receive" = 4;
    /// Endpoints: capabilities may travel in messages.
    GRANT "grant" = 5;
    /// Endpoints: the reply to a call may carry capabilities.
    GRANT_REPLY "grant-reply" = 6;
    /// Endpoints and notifications: mint capabilities with a badge.
    BADGE "badge" = 7;
    /// CNodes: step through in an address. VCpus: configure and enter. Irqs: bind and acknowledge. SchedContexts: bind.
    USE "use" = 8;
    /// VSpaces: map, unmap, protect, and be the destination of share.
    MAP "map" = 9;
    /// VSpaces: be the source of share.
    SHARE "share" = 10;
}

impl Rights {
    /// No right at all.
    pub const NONE: Rights = Rights(0);

    /// Whether every right of `needed` is in this set.
    pub const fn contains(self, needed: Rights) -> bool {
        self.0 & needed.0 == needed.0
    }

    /// The rights that are in both sets.
    #[must_use]
    pub const fn intersection(self, other: Rights) -> Rights {
        Rights(self.0 & other.0)
    }

    /// The rights that are in either set.
    #[must_use]
    pub const fn union(self, other: Rights) -> Rights {
        Rights(self.0 | other.0)
    }

    /// The rights of this set that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Rights) -> Rights {
        Rights(self.0 & !other.0)
    }
}
