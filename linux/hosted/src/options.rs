//! The command line.

/// What the command line looks like.
pub const USAGE: &str = "usage: linux-hosted [--memory MIB] [--max-tasks N] [--trace] [--env NAME=VALUE] \
[--file GUEST=HOST]... \
[--tree GUEST=HOSTFOLDER]... PROGRAM [ARGUMENT...]";

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The sandbox' memory in MiB.
    pub memory: usize,
    /// The most threads and processes.
    pub max_tasks: usize,
    /// Say every system call.
    pub trace: bool,
    /// The environment.
    pub environment: Vec<String>,
    /// Host files to copy in: path in the sandbox and on the host.
    pub files: Vec<(String, String)>,
    /// Host folders to copy in with everything below: path in the sandbox and on the host.
    pub trees: Vec<(String, String)>,
    /// The program and its arguments.
    pub program: Vec<String>,
}

fn number(option: &str, value: &str) -> Result<usize, String> {
    value
        .parse()
        .map_err(|_| format!("{option} takes a number, not \"{value}\""))
}

impl Options {
    /// Reads the arguments.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let environment = [
            "PATH=/bin:/sbin:/usr/bin:/usr/sbin",
            "HOME=/root",
            "TERM=dumb",
            "USER=root",
        ];
        let mut options = Self {
            memory: 256,
            max_tasks: 4096,
            trace: false,
            environment: environment.map(String::from).to_vec(),
            files: Vec::new(),
            trees: Vec::new(),
            program: Vec::new(),
        };
        let mut arguments = arguments.peekable();
        while let Some(option) = arguments.next_if(|argument| argument.starts_with("--")) {
            let mut value = || arguments.next().ok_or(format!("{option} needs a value"));
            match option.as_str() {
                "--memory" => options.memory = number(&option, &value()?)?.clamp(1, 1 << 16),
                "--max-tasks" => options.max_tasks = number(&option, &value()?)?,
                "--env" => options.environment.push(value()?),
                "--tree" => {
                    let value = value()?;
                    let (guest, host) = value
                        .split_once('=')
                        .ok_or("--tree takes GUEST=HOSTFOLDER")?;
                    options.trees.push((guest.into(), host.into()));
                }
                "--file" => {
                    let value = value()?;
                    let (guest, host) = value.split_once('=').ok_or("--file takes GUEST=HOST")?;
                    options.files.push((guest.into(), host.into()));
                }
                "--trace" => options.trace = true,
                "--" => break,
                _ => return Err(format!("there is no option {option}")),
            }
        }
        options.program = arguments.collect();
        if options.program.is_empty() {
            Err("no program given".into())
        } else {
            Ok(options)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn options_end_at_the_program() {
        let options = parse("--memory 64 --file /a=/b sh --memory 1").unwrap();
        assert_eq!((options.memory, options.files.len()), (64, 1));
        assert_eq!(options.program, ["sh", "--memory", "1"]);
    }

    #[test]
    fn wrong_lines_are_refused() {
        for line in [
            "",
            "--memory",
            "--memory x sh",
            "--nothing sh",
            "--file x sh",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
