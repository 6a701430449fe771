//! The machine that QEMU emulates, and the command line that makes it.

use crate::folder::Folder;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The program.
pub const PROGRAM: &str = "qemu-system-x86_64";

/// Which board is emulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Board {
    /// The small, fast one: no legacy devices but those that are asked for, PCI Express, no IOMMU.
    Microvm,
    /// A PC with PCI Express.
    Q35,
}

impl Board {
    /// QEMU's value of `-M`. Disks and the bus for sensors are left out of q35: firmware would spend most of the start on them.
    const fn option(self) -> &'static str {
        match self {
            Self::Microvm => "microvm,pcie=on,isa-serial=off",
            Self::Q35 => "q35,sata=off,smbus=off,vmport=off,usb=off",
        }
    }
}

/// The machine's serial ports and the kernel's text port, with the names of their logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// The kernel's own text, port 0xe9.
    KernelText,
    /// The console's bytes, COM1.
    Console,
    /// The guarded device, COM2.
    Guarded,
    /// Control messages between the host and the system, COM3.
    Control,
}

impl Port {
    const ALL: [Self; 4] = [
        Self::KernelText,
        Self::Console,
        Self::Guarded,
        Self::Control,
    ];

    /// The port's name, as used for its log, its socket and QEMU's identifiers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::KernelText => "kernel",
            Self::Console => "console",
            Self::Guarded => "guarded",
            Self::Control => "control",
        }
    }

    /// The log of all that the machine wrote to the port.
    pub fn log(self, folder: &Folder) -> PathBuf {
        folder.file(&format!("{}.log", self.name()))
    }

    /// The socket where the host listens, if the port is connected.
    pub fn socket(self, folder: &Folder) -> PathBuf {
        folder.file(&format!("{}.socket", self.name()))
    }

    const fn device(self) -> &'static str {
        match self {
            Self::KernelText => "isa-debugcon,iobase=0xe9",
            Self::Console => "isa-serial,iobase=0x3f8,irq=4",
            Self::Guarded => "isa-serial,iobase=0x2f8,irq=3",
            Self::Control => "isa-serial,iobase=0x3e8,irq=5",
        }
    }
}

/// A machine to start.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The board.
    pub board: Board,
    /// The number of processors.
    pub cpus: u32,
    /// Memory in MiB.
    pub memory: u32,
    /// Counts instructions instead of time, so that two runs are the same; slower, one processor at a time.
    pub icount: bool,
    /// The kernel, an ELF file with a PVH note.
    pub kernel: PathBuf,
    /// The boot archive.
    pub archive: Option<PathBuf>,
    /// The kernel's command line.
    pub command_line: String,
    /// Ports that are connected to a socket on which the host already listens.
    pub connected: Vec<Port>,
    /// Whether connected serial lines are logged too: QEMU writes them byte by byte, so a run does without.
    pub logs_lines: bool,
}

impl Machine {
    /// A machine with two processors and 256 MiB that only writes logs.
    pub fn new(board: Board, kernel: PathBuf) -> Self {
        let (archive, command_line, connected) = (None, String::new(), Vec::new());
        Self {
            board,
            cpus: 2,
            memory: 256,
            icount: false,
            kernel,
            archive,
            command_line,
            connected,
            logs_lines: true,
        }
    }

    /// QEMU's arguments for this machine; sockets and logs are in `folder`.
    pub fn arguments(&self, folder: &Folder) -> Vec<OsString> {
        let mut list: Vec<OsString> = Vec::new();
        let mut add = |words: &[&str]| list.extend(words.iter().map(OsString::from));
        add(&[
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
            "-no-reboot",
        ]);
        add(&[
            "-sandbox",
            "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
        ]);
        // A string instruction counts once for each step: by words, not by bytes, as the figures to compare with were taken.
        let cpu = if self.icount {
            "max,-erms,-la57"
        } else {
            "max"
        };
        add(&["-M", self.board.option(), "-accel", "tcg", "-cpu", cpu]);
        add(&[
            "-smp",
            &self.cpus.to_string(),
            "-m",
            &format!("{}M", self.memory),
        ]);
        if self.icount {
            // What else differs from run to run is the processor's random numbers and the clock of the day.
            add(&["-icount", "shift=0,sleep=off", "-seed", "1"]);
            add(&["-rtc", "base=2026-01-01,clock=vm"]);
        }
        add(&["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]);
        for port in Port::ALL {
            let connected = self.connected.contains(&port);
            let (name, log) = (port.name(), value(&port.log(folder)));
            let back_end = if connected {
                let socket = value(&port.socket(folder));
                let logged = if self.logs_lines || port == Port::KernelText {
                    format!(",logfile={log}")
                } else {
                    String::new()
                };
                format!("socket,id={name},path={socket}{logged}")
            } else {
                format!("null,id={name},logfile={log}")
            };
            add(&[
                "-chardev",
                &back_end,
                "-device",
                &format!("{},chardev={name}", port.device()),
            ]);
        }
        add(&["-append", &self.command_line]);
        list.extend(["-kernel".into(), self.kernel.clone().into_os_string()]);
        if let Some(archive) = &self.archive {
            list.extend(["-initrd".into(), archive.clone().into_os_string()]);
        }
        list
    }
}

/// A path as the value of one of QEMU's options, where a comma is written twice.
fn value(path: &Path) -> String {
    path.to_string_lossy().replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(machine: &Machine) -> Vec<String> {
        let folder = Folder::new().unwrap();
        machine
            .arguments(&folder)
            .into_iter()
            .map(|word| word.into_string().unwrap())
            .collect()
    }

    #[test]
    fn only_what_is_asked_for_is_attached() {
        let plain = words(&Machine::new(Board::Microvm, "/k,1".into()));
        assert!(
            !plain
                .iter()
                .any(|word| word == "-icount" || word == "-initrd" || word.starts_with("socket"))
        );
        assert_eq!(
            plain
                .iter()
                .filter(|word| word.starts_with("null,id="))
                .count(),
            4
        );
        assert!(
            plain.contains(&"/k,1".to_owned()),
            "the kernel's path is a word of its own, not an option's value"
        );

        let mut machine = Machine::new(Board::Q35, "/k".into());
        (machine.icount, machine.connected, machine.archive) =
            (true, vec![Port::Console], Some("/a".into()));
        let full = words(&machine);
        assert!(
            full.iter()
                .any(|word| word.starts_with("socket,id=console,"))
        );
        assert_eq!(
            full.iter()
                .filter(|word| word.starts_with("null,id="))
                .count(),
            3
        );
        let logged = |words: &[String], port: &str| {
            let log = format!("/{port}.log");
            words.iter().any(|word| word.contains(&log))
        };
        assert!(logged(&full, "console"));
        machine.connected.push(Port::KernelText);
        machine.logs_lines = false;
        let fast = words(&machine);
        assert!(!logged(&fast, "console") && logged(&fast, "kernel"));
        for word in ["-icount", "-initrd", "/a"] {
            assert!(full.contains(&word.to_owned()), "{word}");
        }
    }

    #[test]
    fn commas_in_paths_are_doubled() {
        assert_eq!(value(Path::new("/tmp/a,b")), "/tmp/a,,b");
    }
}
