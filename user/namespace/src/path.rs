//! Lexical cleaning of paths.

use alloc::string::String;

/// Most bytes of a path.
pub const MAX_PATH: usize = 4096;

/// Why a text is not a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PathError {
    /// It is empty.
    Empty,
    /// It does not begin with `/`.
    NotAbsolute,
    /// It is longer than [`MAX_PATH`].
    TooLong,
    /// It has a zero byte.
    ZeroByte,
}

/// The shortest spelling of an absolute path: no empty components, no `.`, no `..`, no slash at the end. A `..` at the top stays
/// at the top. This is Plan 9's meaning of `..`: it takes away the component before it, also where that would be a symbolic link.
///
/// # Errors
/// Those of [`PathError`].
pub fn clean(path: &str) -> Result<String, PathError> {
    if path.is_empty() {
        return Err(PathError::Empty);
    }
    if path.len() > MAX_PATH {
        return Err(PathError::TooLong);
    }
    if path.contains('\0') {
        return Err(PathError::ZeroByte);
    }
    if !path.starts_with('/') {
        return Err(PathError::NotAbsolute);
    }
    let mut cleaned = String::with_capacity(path.len());
    for component in path.split('/') {
        match component {
            "" | "." => {}
            ".." => {
                let parent = cleaned.rfind('/').unwrap_or(0);
                cleaned.truncate(parent);
            }
            name => {
                cleaned.push('/');
                cleaned.push_str(name);
            }
        }
    }
    if cleaned.is_empty() {
        cleaned.push('/');
    }
    Ok(cleaned)
}

/// The clean spelling of `path` as seen from the folder `current`: an absolute path is itself.
///
/// # Errors
/// Those of [`PathError`], for either of the two.
pub fn join(current: &str, path: &str) -> Result<String, PathError> {
    if path.is_empty() {
        return Err(PathError::Empty);
    }
    if path.starts_with('/') {
        return clean(path);
    }
    let mut whole = clean(current)?;
    if path.len() > MAX_PATH {
        return Err(PathError::TooLong);
    }
    whole.push('/');
    whole.push_str(path);
    clean(&whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn paths_become_short() {
        for (given, wanted) in [
            ("/", "/"),
            ("//", "/"),
            ("/a//b/./c/", "/a/b/c"),
            ("/a/../b", "/b"),
            ("/..", "/"),
            ("/../../etc", "/etc"),
            ("/a/b/../..", "/"),
            ("/a/...", "/a/..."),
            ("/.hidden/..x", "/.hidden/..x"),
        ] {
            assert_eq!(clean(given).as_deref(), Ok(wanted), "{given}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        assert_eq!(clean(""), Err(PathError::Empty));
        assert_eq!(clean("a/b"), Err(PathError::NotAbsolute));
        assert_eq!(clean("/a\0b"), Err(PathError::ZeroByte));
        assert_eq!(
            clean(&format!("/{}", "x".repeat(MAX_PATH))),
            Err(PathError::TooLong)
        );
    }

    #[test]
    fn joining_starts_at_the_current_folder() {
        assert_eq!(join("/home/me", "x").as_deref(), Ok("/home/me/x"));
        assert_eq!(join("/home/me", "../you").as_deref(), Ok("/home/you"));
        assert_eq!(join("/", "x").as_deref(), Ok("/x"));
        assert_eq!(join("/home", "/etc").as_deref(), Ok("/etc"));
        assert_eq!(join("/home", "../../../x").as_deref(), Ok("/x"));
        assert_eq!(join("home", "x"), Err(PathError::NotAbsolute));
    }

    #[test]
    fn cleaning_twice_changes_nothing_and_leaves_no_dots() {
        let mut state = 7_u64;
        for _ in 0..20_000 {
            let mut path = String::from("/");
            for _ in 0..8 {
                state = state
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                path.push_str(
                    ["a", "..", ".", "", "/", "...", "b/", "/.."][(state >> 60) as usize % 8],
                );
                path.push_str(["", "/"][(state >> 40) as usize % 2]);
            }
            let once = clean(&path).expect("an absolute path");
            assert_eq!(clean(&once).as_ref(), Ok(&once));
            assert!(once.starts_with('/') && !once.contains("//"));
            assert!(
                once.split('/').all(|name| name != "." && name != ".."),
                "{path} -> {once}"
            );
            assert!(once == "/" || !once.ends_with('/'));
        }
    }
}
