//! The arguments that the parent gives the personality.

use crate::gated;
use crate::wish::Wish;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What the arguments ask for.
#[derive(Clone, Debug)]
pub struct Options {
    /// Say every system call, not only unknown ones.
    pub trace: bool,
    /// The file of the boot archive that is the root folder, itself an archive.
    pub root: String,
    /// Seconds of the calendar at the start, since 1970.
    pub time: u64,
    /// Devices that ask before they open, such as `serial:1`.
    pub devices: Vec<String>,
    /// The program, by path or by its name in /bin, and its arguments.
    pub program: Vec<Vec<u8>>,
    /// The environment, each `NAME=value`.
    pub environment: Vec<Vec<u8>>,
    /// The sandbox that this is, within another.
    pub within: Option<Wish>,
}

/// The program without any argument.
const SHELL: [&[u8]; 2] = [b"/bin/busybox", b"sh"];
/// The environment if the parent gives none.
const ENVIRONMENT: [&[u8]; 5] = [
    b"PATH=/bin:/sbin:/usr/bin:/usr/sbin",
    b"HOME=/root",
    b"TERM=linux",
    b"USER=root",
    b"ENV=/etc/shrc",
];

fn owned(texts: &[&[u8]]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.to_vec()).collect()
}

impl Options {
    /// Reads arguments, without the own name, and variables.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse<'a>(
        arguments: impl Iterator<Item = &'a [u8]>,
        variables: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Options, String> {
        let mut options = Options {
            trace: false,
            root: String::from("linux.cpio"),
            time: 0,
            devices: Vec::new(),
            program: Vec::new(),
            environment: variables.map(<[u8]>::to_vec).collect(),
            within: None,
        };
        if options.environment.is_empty() {
            options.environment = owned(&ENVIRONMENT);
        }
        let mut arguments = arguments.peekable();
        while let Some(option) = arguments.next_if(|argument| argument.starts_with(b"--")) {
            let name = String::from_utf8_lossy(option);
            let mut value = || {
                arguments
                    .next()
                    .and_then(|value| core::str::from_utf8(value).ok())
                    .ok_or_else(|| format!("{name} needs a value"))
            };
            match option {
                b"--trace" => options.trace = true,
                b"--root" => options.root = value()?.into(),
                b"--time" => {
                    options.time = value()?
                        .parse()
                        .map_err(|_| format!("{name} takes seconds since 1970"))?;
                }
                b"--device" => {
                    let name = value()?;
                    if gated::node(name).is_none() {
                        return Err(format!("there is no Linux device for {name}"));
                    }
                    options.devices.push(name.into());
                }
                b"--within" => {
                    let words: Vec<&[u8]> = arguments.collect();
                    return options.within(Wish::of(&words)?);
                }
                b"--" => break,
                _ => return Err(format!("there is no option {name}")),
            }
        }
        options.program = arguments.map(<[u8]>::to_vec).collect();
        if options.program.is_empty() {
            options.program = owned(&SHELL);
        }
        Ok(options)
    }

    /// The options of a sandbox within another; the environment is changed as its own options say.
    fn within(mut self, wish: Wish) -> Result<Options, String> {
        let plan = &wish.plan;
        self.program = core::iter::once(&plan.program)
            .chain(&plan.arguments)
            .cloned()
            .collect();
        let variables = self.environment.iter().filter_map(|variable| {
            let at = variable.iter().position(|byte| *byte == b'=')?;
            Some((variable[..at].to_vec(), variable[at + 1..].to_vec()))
        });
        self.environment = plan
            .environment_from(variables.collect())
            .into_iter()
            .map(|(name, value)| [&name[..], b"=", &value[..]].concat())
            .collect();
        self.within = Some(wish);
        Ok(self)
    }

    /// The path of the program.
    pub fn path(&self) -> Vec<u8> {
        let name = self.program.first().map_or(&[][..], Vec::as_slice);
        if name.contains(&b'/') {
            return name.to_vec();
        }
        let mut path = b"/bin/".to_vec();
        path.extend_from_slice(name);
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(
            line.split_whitespace().map(str::as_bytes),
            core::iter::empty(),
        )
    }

    #[test]
    fn without_arguments_it_is_a_shell() {
        let options = parse("").unwrap();
        assert_eq!(options.program, owned(&SHELL));
        assert_eq!(options.path(), b"/bin/busybox");
        assert!(!options.environment.is_empty());
    }

    #[test]
    fn options_end_at_the_program() {
        let options =
            parse("--time 7 --root x.cpio --device serial:1 --trace sh --time x").unwrap();
        assert_eq!(options.devices, ["serial:1"]);
        assert_eq!((options.time, &*options.root), (7, "x.cpio"));
        assert!(options.trace);
        assert_eq!(options.program.len(), 3);
        assert_eq!(options.path(), b"/bin/sh");
        assert_eq!(parse("-- --trace").unwrap().program, owned(&[b"--trace"]));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "--time",
            "--time x",
            "--nothing",
            "--root",
            "--device",
            "--device camera:0",
            "--device serial:x",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
