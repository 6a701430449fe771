//! Images from made-up programs: faults are named, and nothing but the files' bytes counts.

use super::*;
use crate::folder::Folder;

/// A manifest with one program.
const MANIFEST: &str = r#"
[machine]
memory = "64M"
reserve = "32M"
cpus = 1

[[program]]
name = "one"
image = "one"
time = { priority = 50, budget = 2000, period = 10000 }
memory = "512K"
slots = 64
"#;

/// The smallest static ELF file that the package takes: one page of code and the note of a native program.
fn program() -> Vec<u8> {
    let mut bytes = vec![0; 0x200];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, b"\x7fELF\x02\x01\x01\0");
    put(16, &2_u16.to_le_bytes());
    put(18, &62_u16.to_le_bytes());
    put(20, &1_u32.to_le_bytes());
    put(24, &0x20_1000_u64.to_le_bytes());
    put(32, &64_u64.to_le_bytes());
    put(52, &64_u16.to_le_bytes());
    put(54, &56_u16.to_le_bytes());
    put(56, &2_u16.to_le_bytes());
    for (at, kind, flags, offset, address, length) in [
        (64_usize, 1_u32, 5_u32, 0_u64, 0x20_1000_u64, 0x200_u64),
        (120, 4, 4, 0x180, 0, 28),
    ] {
        put(at, &kind.to_le_bytes());
        put(at + 4, &flags.to_le_bytes());
        for (word, value) in [offset, address, address, length, length, 4096]
            .into_iter()
            .enumerate()
        {
            put(at + 8 + word * 8, &value.to_le_bytes());
        }
    }
    for (index, number) in [7_u32, 8, 1].into_iter().enumerate() {
        put(0x180 + index * 4, &number.to_le_bytes());
    }
    put(0x18c, b"Sundog\0\0");
    put(0x194, &sundog_abi::ABI_VERSION.to_le_bytes());
    bytes
}

/// A folder with a manifest and programs.
fn folder(manifest: &str) -> Folder {
    let folder = Folder::new().unwrap();
    fs::write(folder.file("m.toml"), manifest).unwrap();
    for name in ["init", "one"] {
        fs::write(folder.file(name), program()).unwrap();
    }
    folder
}

fn found(folder: &Folder) -> impl Fn(&str) -> Result<PathBuf, Failure> {
    let folder = folder.path().to_owned();
    move |name| {
        let path = folder.join(name);
        let there = path.is_file().then_some(path);
        there.ok_or_else(|| Failure::new(format!("no {name}")))
    }
}

#[test]
fn the_place_of_the_files_does_not_count() {
    let build = || {
        let folder = folder(MANIFEST);
        let plan = Plan::read(&folder.file("m.toml"), &found(&folder)).unwrap();
        assert_eq!((plan.programs(), plan.memory()), (vec!["one"], 64));
        plan.build(&found(&folder), &Busybox::of_system()).unwrap()
    };
    let first = build();
    assert_eq!(first, build());
    assert!(first.windows(4).any(|bytes| bytes == b"\x7fELF"));
}

#[test]
fn every_fault_of_a_manifest_is_a_line_that_names_it() {
    let faulty = MANIFEST
        .replace("image = \"one\"", "image = \"two\"")
        .replace("slots = 64", "slots = 4");
    let folder = folder(&faulty);
    let failure = Plan::read(&folder.file("m.toml"), &found(&folder)).unwrap_err();
    let lines: Vec<_> = failure.text().lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].contains("m.toml: line 9: ") && lines[0].contains("two"),
        "{lines:?}"
    );
    assert!(lines[1].contains("m.toml: line 12: "), "{lines:?}");
    let failure = Plan::read(&folder.file("none.toml"), &found(&folder)).unwrap_err();
    assert!(failure.text().contains("none.toml"));
}

#[test]
fn a_program_is_started_with_other_arguments() {
    let folder = folder(MANIFEST);
    let mut plan = Plan::read(&folder.file("m.toml"), &found(&folder)).unwrap();
    plan.set_arguments("one", &["calls=5", "seed=7"]).unwrap();
    let failure = plan.set_arguments("two", &[]).unwrap_err();
    assert!(failure.text().contains("two"));
    let bytes = plan.system.encode();
    let manifest = sundog_manifest::Manifest::decode(&bytes).unwrap();
    let program = manifest.programs().next().unwrap();
    let arguments: Vec<_> = program.arguments().collect();
    assert_eq!(arguments, ["calls=5", "seed=7"]);
}

#[test]
fn the_manifests_of_the_tree_have_no_fault() {
    let anything = |name: &str| Ok(PathBuf::from(name));
    for entry in fs::read_dir(crate::images::source_root().join("system")).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            Plan::read(&path, &anything).unwrap();
        }
    }
}
