//! Why an operation on files failed: 9P2000.L's error numbers, which are Linux's.

/// An error number of the file protocol. The numbers are Linux's, so a personality passes them on unchanged.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileError(u16);

macro_rules! errors {
    ($($name:ident = $number:literal, $text:literal;)*) => {
        impl FileError {
            $(#[doc = $text] pub const $name: FileError = FileError($number);)*

            /// The error's name, or "?" for a number that this protocol does not name.
            pub fn name(self) -> &'static str {
                match self.0 { $($number => stringify!($name),)* _ => "?" }
            }
        }
    };
}

errors! {
    EPERM = 1, "The operation is not allowed on this object.";
    ENOENT = 2, "No such name.";
    EIO = 5, "The server failed or answered nonsense.";
    EBADF = 9, "The handle is not one of this client's, or not open for this.";
    ENOMEM = 12, "The server has no memory left for its own records.";
    EACCES = 13, "The node's permissions refuse it.";
    EBUSY = 16, "The node is in use in a way that forbids it.";
    EEXIST = 17, "The name exists already.";
    EXDEV = 18, "The two nodes are not in one tree.";
    ENODEV = 19, "The node cannot be mapped or has no such device.";
    ENOTDIR = 20, "A directory was needed.";
    EISDIR = 21, "A directory was given where none may be.";
    EINVAL = 22, "An argument makes no sense.";
    EFBIG = 27, "The file would grow beyond the largest size.";
    ENOSPC = 28, "The tree's limit of bytes or nodes is reached.";
    EROFS = 30, "The tree is read only.";
    EMLINK = 31, "The node has as many names as it can have.";
    ENAMETOOLONG = 36, "A name is longer than 255 bytes.";
    ENOTEMPTY = 39, "The directory has entries.";
    ELOOP = 40, "A symbolic link was met where none may be.";
    EOPNOTSUPP = 95, "This server does not have the operation.";
    ENXIO = 6, "There is no data or hole at or behind this offset.";
    EMFILE = 24, "The client holds as many handles as it may.";
    ESTALE = 116, "The node is gone.";
}

impl FileError {
    /// The error with this number. 0 and numbers above 4095 are not errors and become [`FileError::EIO`].
    pub const fn from_number(number: u64) -> FileError {
        if number == 0 || number > 4095 {
            FileError::EIO
        } else {
            FileError(number as u16)
        }
    }

    /// The positive Linux error number.
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl core::fmt::Debug for FileError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.name() {
            "?" => write!(f, "error {}", self.0),
            name => f.write_str(name),
        }
    }
}
