//! Loading programs: `#!` lines, ELF segments as areas, the first stack with its auxiliary vector.
use crate::calls::Stop;
use crate::elf::{self, Image, Segment};
use crate::kernel::{Kernel, VfsPages};
use crate::memory::{Access, AddressSpace, Area, Environment, FileRange, Purpose, USER_END};
use crate::native::{NativeProgram, native_image};
use crate::signal::FRAME_ROOM;
use crate::task::TaskId;
use crate::texts::List;
pub use crate::texts::Texts;
use crate::{Errno, fallible};
use alloc::vec::Vec;
use sundog_linux_vfs::FileId;
use sundog_linux_vfs::constants::AT_FDCWD;

/// Where programs that can be anywhere are put.
const PROGRAM_BASE: u64 = 0x5555_5555_4000;
/// The interpreter (the dynamic loader) is put here.
const INTERPRETER_BASE: u64 = 0x7fff_e000_0000;
/// New mappings go below this.
const MAPPING_TOP: u64 = 0x7fff_e000_0000;
/// The stack ends below this.
const STACK_TOP: u64 = USER_END - 0x1000;
/// How many `#!` lines may lead from one to the next.
const SCRIPTS: usize = 5;

/// What was found at the end of the `#!` lines.
pub enum Prepared {
    /// A Linux program, loaded.
    Linux(Program),
    /// A native program, and its file with a reference.
    Native(NativeProgram, FileId),
}

/// A program that is loaded and ready to run.
pub struct Program {
    /// Its memory.
    pub space: AddressSpace,
    /// Its first instruction.
    pub entry: u64,
    /// Its first stack pointer.
    pub stack: u64,
    /// Its file, with a reference.
    pub file: FileId,
    /// The name of its first thread.
    pub name: [u8; 16],
}

fn open(
    kernel: &mut Kernel,
    task: TaskId,
    folder: i32,
    path: &[u8],
    flags: u32,
) -> Result<FileId, Stop> {
    let attempt = kernel.with_files(task, |vfs, context| {
        vfs.open_exec(context, folder, path, flags)
    })?;
    kernel.outcome(attempt)
}

/// Reads exactly `length` bytes of a program.
pub(crate) fn read_exactly(
    kernel: &mut Kernel,
    file: FileId,
    offset: u64,
    length: usize,
) -> Result<Vec<u8>, Errno> {
    let mut bytes = fallible::zeroed(length)?;
    let mut done = 0;
    while done < length {
        match kernel.vfs.file_read_at(
            file,
            offset.saturating_add(done as u64),
            &mut bytes[done..],
        )? {
            0 => return Err(Errno::ENOEXEC),
            count => done += count,
        }
    }
    Ok(bytes)
}

fn read_image(kernel: &mut Kernel, file: FileId) -> Result<Image, Errno> {
    let header = read_exactly(kernel, file, 0, elf::HEADER)?;
    let (offset, length) = elf::program_headers(&header)?;
    let table = read_exactly(kernel, file, offset, length)?;
    let image = elf::parse(&header, &table, USER_END)?;
    // A file that was cut off is told from a good one here, not by a fault later.
    for segment in image
        .segments
        .iter()
        .filter(|segment| segment.file_size > 0)
    {
        read_exactly(kernel, file, segment.offset + segment.file_size - 1, 1)?;
    }
    Ok(image)
}

/// What a `#!` line says: the interpreter and its one argument.
fn script_line(line: &[u8]) -> Result<(Vec<u8>, Option<Vec<u8>>), Errno> {
    let end = line
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(line.len());
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let text = line[2..end].trim_ascii();
    let split = text.iter().position(is_space).unwrap_or(text.len());
    if split == 0 || (end == line.len() && split == text.len() && line.len() >= 256) {
        return Err(Errno::ENOEXEC);
    }
    let argument = text[split..].trim_ascii();
    Ok((
        text[..split].to_vec(),
        (!argument.is_empty()).then(|| argument.to_vec()),
    ))
}

/// Opens a program, follows `#!` lines and loads what is found at their end. Nothing of the caller changes.
///
/// # Errors
/// As open; ENOEXEC for what is no program, ELOOP for too many scripts, ENOMEM; or the open waits.
pub fn prepare(
    kernel: &mut Kernel,
    task: TaskId,
    folder: i32,
    path: &[u8],
    flags: u32,
    mut texts: Texts,
) -> Result<Prepared, Stop> {
    let mut file = open(kernel, task, folder, path, flags)?;
    let mut path = path.to_vec();
    for _ in 0..SCRIPTS {
        let mut line = alloc::vec![0; 256];
        let length = match kernel.vfs.file_read_at(file, 0, &mut line) {
            Ok(length) => length,
            Err(error) => {
                kernel.vfs.release_file(file);
                return Err(error.into());
            }
        };
        line.truncate(length);
        if !line.starts_with(b"#!") {
            let result = match native_image(kernel, file) {
                Ok(Some(image)) => Ok(Prepared::Native(NativeProgram { image, texts }, file)),
                Ok(None) => load(kernel, task, file, &path, &texts).map(Prepared::Linux),
                Err(error) => Err(error),
            };
            if result.is_err() {
                kernel.vfs.release_file(file);
            }
            return Ok(result?);
        }
        kernel.vfs.release_file(file);
        let (interpreter, argument) = script_line(&line)?;
        let first = [Some(&interpreter), argument.as_ref(), Some(&path)];
        texts
            .arguments
            .replace_first(first.into_iter().flatten().map(Vec::as_slice))?;
        path = interpreter;
        file = open(kernel, task, AT_FDCWD, &path, 0)?;
    }
    kernel.vfs.release_file(file);
    Err(Errno::ELOOP.into())
}

/// Maps a segment: its file's part, the zeros behind it.
fn map_segment(
    space: &mut AddressSpace,
    environment: &mut Environment<'_>,
    file: FileId,
    segment: &Segment,
    base: u64,
) -> Result<(), Errno> {
    let access = Access {
        read: segment.read,
        write: segment.write,
        execute: segment.execute,
    };
    let start = (base + segment.address) & !4095;
    let file_end = base + segment.address + segment.file_size;
    let end = (base + segment.address + segment.memory_size).next_multiple_of(4096);
    let mapped_end = if segment.file_size == 0 {
        start
    } else {
        file_end.next_multiple_of(4096)
    };
    let area = Area {
        start,
        end: mapped_end,
        access,
        shared: false,
        may_write: true,
        backing: Some(FileRange {
            file,
            offset: segment.offset & !4095,
        }),
        purpose: Purpose::Mapping,
    };
    if mapped_end > start {
        environment.files.retain(file);
        space.map(environment, area);
    }
    if end > mapped_end {
        space.map(
            environment,
            Area {
                start: mapped_end,
                end,
                backing: None,
                ..area
            },
        );
    }
    // The rest of the last page of the file is zeros, if there are any and the program may have them.
    let rest = (mapped_end - file_end) as usize;
    if segment.file_size > 0 && segment.memory_size > segment.file_size && rest > 0 && segment.write
    {
        space.write(environment, file_end, &alloc::vec![0; rest])?;
    }
    Ok(())
}

fn map_image(
    space: &mut AddressSpace,
    environment: &mut Environment<'_>,
    file: FileId,
    image: &Image,
    wanted: u64,
) -> Result<u64, Errno> {
    let (first, end) = image.span();
    let base = if image.relocatable {
        wanted.checked_sub(first).ok_or(Errno::ENOEXEC)?
    } else {
        0
    };
    let (start, end) = (base + first, base.checked_add(end).ok_or(Errno::ENOEXEC)?);
    if start < crate::memory::USER_START
        || end > STACK_TOP - (8 << 20)
        || !space.is_free(start, end)
    {
        return Err(Errno::ENOEXEC);
    }
    for segment in &image.segments {
        map_segment(space, environment, file, segment, base)?;
    }
    Ok(base)
}

fn open_interpreter(
    kernel: &mut Kernel,
    task: TaskId,
    file: FileId,
    image: &Image,
) -> Result<Option<(FileId, Image)>, Errno> {
    let Some((offset, length)) = image.interpreter else {
        return Ok(None);
    };
    let mut path = read_exactly(kernel, file, offset, length as usize)?;
    if path.pop() != Some(0) || path.contains(&0) {
        return Err(Errno::ENOEXEC);
    }
    let interpreter = match open(kernel, task, AT_FDCWD, &path, 0) {
        Ok(file) => file,
        Err(Stop::Errno(error)) => return Err(error),
        Err(_) => return Err(Errno::EAGAIN),
    };
    match read_image(kernel, interpreter) {
        Ok(image) if image.interpreter.is_none() => Ok(Some((interpreter, image))),
        _ => {
            kernel.vfs.release_file(interpreter);
            Err(Errno::ELIBBAD)
        }
    }
}

fn load(
    kernel: &mut Kernel,
    task: TaskId,
    file: FileId,
    path: &[u8],
    texts: &Texts,
) -> Result<Program, Errno> {
    let image = read_image(kernel, file)?;
    let interpreter = open_interpreter(kernel, task, file, &image)?;
    let labels = kernel.process_of(task)?.labels.clone();
    kernel.note_mapped(task, file)?;
    if let Some((file, _)) = &interpreter {
        kernel.note_mapped(task, *file)?;
    }
    let mut random = [0; 16];
    kernel.machine.random(&mut random);
    let Kernel {
        machine,
        memory,
        vfs,
        ..
    } = kernel;
    let mut files = VfsPages(vfs);
    let mut environment = Environment {
        memory,
        machine: machine.as_mut(),
        files: &mut files,
    };
    let mut space = AddressSpace::default();
    space.mapping_top = MAPPING_TOP;
    let mut fill = || -> Result<(u64, u64), Errno> {
        let base = map_image(&mut space, &mut environment, file, &image, PROGRAM_BASE)?;
        let mut entry = base.wrapping_add(image.entry);
        let mut interpreter_base = 0;
        if let Some((file, image)) = &interpreter {
            interpreter_base =
                map_image(&mut space, &mut environment, *file, image, INTERPRETER_BASE)?;
            entry = interpreter_base.wrapping_add(image.entry);
        }
        space.heap_start = base + image.span().1;
        space.heap_end = space.heap_start;
        let vector = [
            (33, 0),
            (51, FRAME_ROOM),
            (16, 0x178b_fbff),
            (6, 4096),
            (17, 100),
            (3, base + image.headers),
            (4, 56),
            (5, u64::from(image.header_count)),
            (7, interpreter_base),
            (8, 0),
            (9, base.wrapping_add(image.entry)),
            (11, u64::from(labels.users[0])),
            (12, u64::from(labels.users[1])),
            (13, u64::from(labels.groups[0])),
            (14, u64::from(labels.groups[1])),
            (23, 0),
            (26, 2),
        ];
        let stack = build_stack(&mut space, &mut environment, path, texts, &random, &vector)?;
        Ok((entry, stack))
    };
    let result = fill();
    if let Some((file, _)) = interpreter {
        environment.files.release(file);
    }
    match result {
        Ok((entry, stack)) => Ok(Program {
            space,
            entry,
            stack,
            file,
            name: thread_name(path),
        }),
        Err(error) => {
            space.destroy(&mut environment);
            Err(error)
        }
    }
}

/// The last component of a path, as a thread's name.
pub(crate) fn thread_name(path: &[u8]) -> [u8; 16] {
    let base = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    let mut name = [0; 16];
    let length = base.len().min(15);
    name[..length].copy_from_slice(&base[..length]);
    name
}

/// Writes bytes below `top`, which comes down to where they begin.
fn put(
    space: &mut AddressSpace,
    environment: &mut Environment<'_>,
    top: &mut u64,
    bytes: &[u8],
) -> Result<u64, Errno> {
    *top -= bytes.len() as u64;
    space.write(environment, *top, bytes)?;
    Ok(*top)
}

/// Writes words from `at` on, a few at a time; `at` comes to their end.
fn put_words(
    space: &mut AddressSpace,
    environment: &mut Environment<'_>,
    at: &mut u64,
    words: impl IntoIterator<Item = u64>,
) -> Result<(), Errno> {
    let mut piece = [0; 512];
    let mut length = 0;
    let mut write = |at: &mut u64, bytes: &[u8]| {
        space.write(environment, *at, bytes)?;
        *at += bytes.len() as u64;
        Ok(())
    };
    for word in words {
        piece[length..length + 8].copy_from_slice(&word.to_le_bytes());
        length += 8;
        if length == piece.len() {
            write(at, &piece)?;
            length = 0;
        }
    }
    write(at, &piece[..length])
}

/// The addresses of texts that begin at `start`.
fn pointers(start: u64, list: &List) -> impl Iterator<Item = u64> {
    list.starts().map(move |offset| start + offset as u64)
}

/// Makes the first stack; returns the stack pointer.
fn build_stack(
    space: &mut AddressSpace,
    environment: &mut Environment<'_>,
    path: &[u8],
    texts: &Texts,
    random: &[u8; 16],
    vector: &[(u64, u64)],
) -> Result<u64, Errno> {
    let start = STACK_TOP - (8 << 20);
    space.map(
        environment,
        Area {
            start,
            end: STACK_TOP,
            access: Access {
                read: true,
                write: true,
                execute: false,
            },
            shared: false,
            may_write: true,
            backing: None,
            purpose: Purpose::Stack,
        },
    );
    space.stack_start = start;
    let mut top = STACK_TOP - 8;
    put(space, environment, &mut top, &[0])?;
    let path = put(space, environment, &mut top, path)?;
    let end = top;
    let variables = put(space, environment, &mut top, texts.environment.bytes())?;
    space.environment = (variables, end);
    let end = top;
    let arguments = put(space, environment, &mut top, texts.arguments.bytes())?;
    space.arguments = (arguments, end);
    let platform = put(space, environment, &mut top, b"x86_64\0")?;
    top = (top & !15) - 16;
    let random_address = top;
    space.write(environment, top, random)?;
    let mut auxiliary = Vec::new();
    let own = [(25, random_address), (31, path), (15, platform), (0, 0)];
    // A vDSO address of zero is left out: programs take its presence for a vDSO.
    for (kind, value) in vector.iter().filter(|(kind, _)| *kind != 33).chain(&own) {
        auxiliary.extend([*kind, *value].iter().flat_map(|word| word.to_le_bytes()));
    }
    let counts = (texts.arguments.len() + texts.environment.len() + 3) as u64;
    let stack = (top - counts * 8 - auxiliary.len() as u64) & !15;
    let mut at = stack;
    let words = core::iter::once(texts.arguments.len() as u64)
        .chain(pointers(arguments, &texts.arguments))
        .chain([0])
        .chain(pointers(variables, &texts.environment))
        .chain([0]);
    put_words(space, environment, &mut at, words)?;
    space.write(environment, at, &auxiliary)?;
    space.auxiliary = auxiliary;
    Ok(stack)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_lines_have_one_interpreter_and_one_argument() {
        assert_eq!(script_line(b"#!/bin/sh\n"), Ok((b"/bin/sh".to_vec(), None)));
        assert_eq!(
            script_line(b"#! /bin/a  -x y \nmore"),
            Ok((b"/bin/a".to_vec(), Some(b"-x y".to_vec())))
        );
        assert_eq!(script_line(b"#!\n"), Err(Errno::ENOEXEC));
        assert_eq!(script_line(b"#!   "), Err(Errno::ENOEXEC));
    }
}
