//! The arguments that the parent gives the personality.

use crate::gated;
use crate::gated::gift::Gift;
use crate::places::Place;
use crate::wish::Wish;
use alloc::format;
use alloc::string::String;
use alloc::vec;
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
    /// Devices that the sandbox outside gives to this one.
    pub gifts: Vec<Gift>,
    /// What is bound where, for a sandbox within another.
    pub places: Vec<Place>,
    /// The program, by path or by its name in /bin, and its arguments.
    pub program: Vec<Vec<u8>>,
    /// The environment, each `NAME=value`.
    pub environment: Vec<Vec<u8>>,
    /// The first program's folder.
    pub folder: Vec<u8>,
    /// The host's name, if it is not the usual one.
    pub host_name: Option<Vec<u8>>,
    /// Standard streams that the first program finds closed.
    pub closed: Vec<i32>,
    /// Processes and threads at one time, if less than usual.
    pub processes: Option<usize>,
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
    // What an interactive shell reads first: its prompt, and `help`.
    b"ENV=/etc/shrc",
];

/// Whether a variable has this name.
fn is(variable: &[u8], name: &[u8]) -> bool {
    variable
        .strip_prefix(name)
        .is_some_and(|rest| rest.first() == Some(&b'='))
}

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
            gifts: Vec::new(),
            places: Vec::new(),
            program: Vec::new(),
            environment: variables.map(<[u8]>::to_vec).collect(),
            folder: b"/".to_vec(),
            host_name: None,
            closed: Vec::new(),
            processes: None,
            within: None,
        };
        if options.environment.is_empty() {
            options.environment = owned(&ENVIRONMENT);
        }
        let mut arguments = arguments.peekable();
        while let Some(option) = arguments.next_if(|argument| argument.starts_with(b"--")) {
            let name = String::from_utf8_lossy(option);
            if option == b"--place" {
                // A path need not be text.
                let place = arguments.next().and_then(Place::parse);
                let place = place.ok_or_else(|| format!("{name} takes a place"))?;
                options.places.push(place);
                continue;
            }
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
                b"--gift" => {
                    let gift = Gift::parse(value()?);
                    let gift = gift.ok_or_else(|| format!("{name} takes a device"))?;
                    options.gifts.push(gift);
                }
                b"--setenv" => options.set(value()?)?,
                b"--unsetenv" => {
                    let name = value()?;
                    options.unset(name.as_bytes());
                }
                b"--clearenv" => options.environment.clear(),
                b"--chdir" => options.folder = value()?.into(),
                b"--hostname" => options.host_name = Some(value()?.into()),
                b"--closed" => {
                    let number = value()?.parse().ok();
                    let number = number.filter(|number| (0..3).contains(number));
                    let number = number.ok_or_else(|| format!("{name} takes 0, 1 or 2"))?;
                    options.closed.push(number);
                }
                b"--pids" => {
                    let count = value()?.parse().ok().filter(|count| *count > 0);
                    options.processes =
                        Some(count.ok_or_else(|| format!("{name} takes a number above 0"))?);
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

    /// Sets a variable, in its old place if it has one.
    fn set(&mut self, variable: &str) -> Result<(), String> {
        let (name, _) = variable
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| String::from("--setenv takes NAME=VALUE"))?;
        let old = self.environment.iter_mut();
        match old.into_iter().find(|old| is(old, name.as_bytes())) {
            Some(old) => *old = variable.into(),
            None => self.environment.push(variable.into()),
        }
        Ok(())
    }

    fn unset(&mut self, name: &[u8]) {
        self.environment.retain(|variable| !is(variable, name));
    }

    /// The options of a sandbox within another; the environment is changed as its own options say.
    fn within(mut self, mut wish: Wish) -> Result<Options, String> {
        self.program = core::mem::take(&mut wish.plan.arguments);
        self.program
            .insert(0, core::mem::take(&mut wish.plan.program));
        let plan = &wish.plan;
        let variables = self.environment.iter().filter_map(|variable| {
            let at = variable.iter().position(|byte| *byte == b'=')?;
            Some((variable[..at].to_vec(), variable[at + 1..].to_vec()))
        });
        self.environment = plan
            .environment_from(variables.collect())
            .into_iter()
            .map(|(name, value)| [&name[..], b"=", &value[..]].concat())
            .collect();
        if let Some(folder) = &plan.chdir {
            self.folder.clone_from(folder);
        }
        self.host_name.clone_from(&plan.hostname);
        self.processes = plan.pids.map(|count| count as usize);
        self.within = Some(wish);
        Ok(self)
    }

    /// The names of devices that ask before they open.
    pub fn gated(&self) -> impl Iterator<Item = &str> {
        let gifts = self.gifts.iter();
        let gifts = gifts.filter_map(|gift| gift.device.resource.as_deref());
        self.devices.iter().map(String::as_str).chain(gifts)
    }

    /// The paths at which a sandbox' program may be, in their order, as execvp has them.
    pub fn paths(&self) -> Vec<Vec<u8>> {
        let name = self.program.first().map_or(&[][..], Vec::as_slice);
        if name.contains(&b'/') {
            return vec![name.to_vec()];
        }
        let mut variables = self.environment.iter();
        let folders = variables.find_map(|variable| variable.strip_prefix(b"PATH="));
        let folders = folders.unwrap_or(b"/bin:/usr/bin");
        let folders = folders.split(|byte| *byte == b':');
        folders
            .map(|folder| match folder {
                [] => name.to_vec(),
                folder => [folder, b"/", name].concat(),
            })
            .collect()
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
    fn the_environment_is_changed_in_order() {
        let options = parse("--unsetenv USER --setenv TERM=xterm --setenv A=b=c").unwrap();
        let expected: [&[u8]; 5] = [
            ENVIRONMENT[0],
            ENVIRONMENT[1],
            b"TERM=xterm",
            b"ENV=/etc/shrc",
            b"A=b=c",
        ];
        assert_eq!(options.environment, owned(&expected));
        let options = parse("--setenv A=1 --clearenv --setenv AB=2 --unsetenv A").unwrap();
        assert_eq!(options.environment, owned(&[b"AB=2"]));
        let options = parse("--chdir /tmp --hostname inside --pids 9").unwrap();
        assert_eq!(options.folder, b"/tmp");
        assert_eq!(options.host_name.as_deref(), Some(&b"inside"[..]));
        assert_eq!(options.processes, Some(9));
        let options = parse("--closed 1 --closed 0 sh").unwrap();
        assert_eq!(options.closed, [1, 0]);
    }

    #[test]
    fn a_sandbox_looks_for_its_program_along_the_path() {
        let paths = |path: &str, line: &str| {
            let path = ["PATH=", path].concat();
            let words = line.split_whitespace().map(str::as_bytes);
            let options = Options::parse(words, [path.as_bytes()].into_iter()).unwrap();
            options.paths()
        };
        assert_eq!(
            paths("/a:/b:", "--within sandbox -- sh"),
            owned(&[b"/a/sh", b"/b/sh", b"sh"])
        );
        assert_eq!(paths("/a", "--within bwrap ./sh"), owned(&[b"./sh"]));
        assert_eq!(
            paths("/a", "--within bwrap --clearenv sh"),
            owned(&[b"/bin/sh", b"/usr/bin/sh"])
        );
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
            "--gift serial:1",
            "--place 1:tree",
            "--setenv A",
            "--setenv =b",
            "--pids 0",
            "--closed",
            "--closed 3",
            "--closed -1",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
