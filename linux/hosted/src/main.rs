//! `linux-hosted`: runs a real static Linux program on the personality, over traced child processes.
mod console;
mod machine;
mod mapped;
mod options;
mod root;
mod stream;

use console::Console;
use machine::TracedMachine;
use options::Options;
use std::os::unix::process::CommandExt;
use std::process::ExitCode;
use std::sync::Arc;
use sundog_host_sys::ptrace::SharedMemory;
use sundog_linux_core::frames::Memory;
use sundog_linux_core::kernel::{Kernel, Settings, Trace};
use sundog_linux_core::process::End;
use sundog_linux_core::schedule::Step;
use sundog_linux_core::texts::{List, Texts};
use sundog_linux_memory::Pool;

/// Fills `bytes` with random ones of the host.
pub(crate) fn random(bytes: &mut [u8]) {
    use std::io::Read;
    let read = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(bytes));
    if let Err(error) = read {
        eprintln!("linux-hosted: no random bytes: {error}");
        std::process::exit(125);
    }
}

/// Says unknown calls, and all calls if asked to, on the host's standard error.
struct Log {
    calls: bool,
}

impl Trace for Log {
    fn unknown_call(&mut self, number: u64) {
        eprintln!("linux-hosted: system call {number} is not there");
    }
    fn call(&mut self, tid: i32, number: u64, arguments: &[u64; 6], result: Option<i64>) {
        let name = sundog_linux_core::calls::name(number).unwrap_or("?");
        match result {
            Some(value) => eprintln!("[{tid}] {name}{arguments:x?} = {value:#x}"),
            None => eprintln!("[{tid}] {name}{arguments:x?} ..."),
        }
    }
    fn wants_calls(&self) -> bool {
        self.calls
    }
}

/// The pool of a sandbox in the memory that stubs can map.
fn pool(memory: &SharedMemory) -> Pool {
    Pool::of(memory)
}

fn run(options: &Options) -> Result<End, String> {
    let shared =
        SharedMemory::new(options.memory << 20).map_err(|error| format!("no memory: {error}"))?;
    let memory: Arc<Memory> = Memory::new(pool(&shared));
    let machine = TracedMachine::new(shared).map_err(|error| format!("cannot trace: {error}"))?;
    let vfs = root::build(&memory, options)?;
    let settings = Settings {
        max_tasks: options.max_tasks,
        ..Settings::default()
    };
    let mut kernel = Kernel::new(Box::new(machine), memory, vfs, settings);
    kernel.set_trace(Box::new(Log {
        calls: options.trace,
    }));
    let mut console = Console::new();
    let refused = |error| format!("the arguments: {error:?}");
    let texts = Texts {
        arguments: List::of(&options.program).map_err(refused)?,
        environment: List::of(&options.environment).map_err(refused)?,
    };
    let path = root::find(&options.program[0]);
    kernel
        .start(path.as_bytes(), texts, b"/", |vfs, context| {
            console.open(vfs, context)
        })
        .map_err(|error| format!("{path}: {error:?}"))?;
    loop {
        let step = kernel.step();
        console.show(&mut kernel.vfs);
        match step {
            Step::Ran => console.look(&mut kernel.vfs, Some(0)),
            Step::Idle { until } => {
                let now = kernel.now();
                console.look(
                    &mut kernel.vfs,
                    until.map(|until| until.saturating_sub(now)),
                );
            }
            Step::Finished(end) => return Ok(end),
        }
    }
}

/// A C library may have told the kernel to note restarts in memory of each thread (rseq). The traced children give all that memory up,
/// and the kernel would end them for it. So the program starts itself again with a setting that makes the library leave it.
fn without_restart_notes() -> Option<std::io::Error> {
    const TUNABLES: &str = "GLIBC_TUNABLES";
    const SETTING: &str = "glibc.pthread.rseq=0";
    if std::env::var_os(TUNABLES).is_some_and(|value| value == SETTING) {
        return None;
    }
    let own = std::env::current_exe().ok()?;
    let error = std::process::Command::new(own)
        .args(std::env::args_os().skip(1))
        .env(TUNABLES, SETTING)
        .exec();
    Some(error)
}

fn main() -> ExitCode {
    if let Some(error) = without_restart_notes() {
        eprintln!("linux-hosted: it cannot be started again: {error}");
        return ExitCode::from(125);
    }
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("linux-hosted: {message}\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(End::Exited(status)) => ExitCode::from(status),
        Ok(End::Killed { signal, .. }) => ExitCode::from(128 + signal as u8),
        Err(message) => {
            eprintln!("linux-hosted: {message}");
            ExitCode::from(125)
        }
    }
}
