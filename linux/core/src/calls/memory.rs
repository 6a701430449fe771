//! Calls on address spaces: mmap and its relatives.
use super::Outcome;
use super::files::NoMemory;
use crate::Errno;
use crate::kernel::Kernel;
use crate::memory::change::{range_end, whole_pages};
use crate::memory::{Access, Area, FileRange, Purpose};
use crate::process::resource;
use crate::task::TaskId;
use sundog_linux_vfs::FileId;

const MAP_SHARED: u32 = 1;
const MAP_PRIVATE: u32 = 2;
const MAP_SHARED_VALIDATE: u32 = 3;
const MAP_FIXED: u32 = 0x10;
const MAP_ANONYMOUS: u32 = 0x20;
const MAP_NORESERVE: u32 = 0x4000;
const MAP_HUGETLB: u32 = 0x4_0000;
const MAP_FIXED_NOREPLACE: u32 = 0x10_0000;

/// The file of a new mapping, with a reference for the area, and whether it can become writable.
fn mapped_file(
    kernel: &mut Kernel,
    task: TaskId,
    fd: i32,
    shared: bool,
    access: Access,
) -> Result<(FileId, bool), Errno> {
    const F_GETFL: u32 = 3;
    let attempt = kernel.with_files(task, |vfs, context| {
        vfs.fcntl(context, fd, F_GETFL, 0, &mut NoMemory)
    })?;
    let Ok(mode) = attempt else {
        return Err(Errno::EBADF);
    };
    let mode = mode as u32;
    let file = kernel.with_files(task, |vfs, context| vfs.file_of(context, fd))??;
    let result = check_file(kernel, file, shared, access, mode);
    if let Err(error) = result {
        kernel.vfs.release_file(file);
        return Err(error);
    }
    kernel.note_mapped(task, file)?;
    Ok((file, !shared || mode & 3 == 2))
}

impl Kernel {
    /// Notes the path and identity of a file that is mapped, for /proc and for when it is cut off.
    pub(crate) fn note_mapped(&mut self, task: TaskId, file: FileId) -> Result<(), Errno> {
        let name = self.with_files(task, |vfs, context| {
            let name = vfs.file_path(context, file).unwrap_or_default();
            Some((name, vfs.file_identity(context, file).ok()?))
        })?;
        if let Some(name) = name {
            self.world.mapped_names.insert(file.0, name);
        }
        Ok(())
    }
}

/// Whether a file that was opened with `mode` can be mapped so.
fn check_file(
    kernel: &mut Kernel,
    file: FileId,
    shared: bool,
    access: Access,
    mode: u32,
) -> Result<(), Errno> {
    if mode & sundog_linux_vfs::constants::O_PATH != 0 {
        return Err(Errno::EBADF);
    }
    if mode & 3 == 1 || (shared && access.write && mode & 3 != 2) {
        return Err(Errno::EACCES);
    }
    // What has neither frames nor contents to copy (pipes, terminals, folders) cannot be mapped.
    match kernel.vfs.file_page(file, 0, false) {
        Err(Errno::ENODEV) => {
            kernel
                .vfs
                .file_read_at(file, 0, &mut [0; 1])
                .map_err(|_| Errno::ENODEV)?;
            Ok(())
        }
        Ok(_) | Err(Errno::ENXIO) => Ok(()),
        Err(error) => Err(error),
    }
}

/// mmap.
pub fn mmap(
    kernel: &mut Kernel,
    task: TaskId,
    address: u64,
    length: u64,
    bits: u32,
    flags: u32,
    fd: i32,
    offset: u64,
) -> Outcome {
    let shared = match flags & 3 {
        MAP_SHARED | MAP_SHARED_VALIDATE => true,
        MAP_PRIVATE => false,
        _ => return Err(Errno::EINVAL.into()),
    };
    if !offset.is_multiple_of(4096) || length == 0 {
        return Err(Errno::EINVAL.into());
    }
    let length = whole_pages(length, Errno::ENOMEM)?;
    if flags & MAP_HUGETLB != 0 {
        return Err(Errno::ENOMEM.into());
    }
    let access = Access::from_bits(bits);
    let fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) != 0;
    let anonymous = flags & MAP_ANONYMOUS != 0;
    let pages = (length / 4096) as usize;
    let limit = kernel.process_of(task)?.limits[resource::AS].soft;
    let promised = access.write && !shared && flags & MAP_NORESERVE == 0;
    if promised && !kernel.memory.can_promise(pages) {
        return Err(Errno::ENOMEM.into());
    }
    kernel.with_space(task, |space, _| {
        space.room_for_areas()?;
        let start = space.place(address, length, fixed)?;
        if flags & MAP_FIXED_NOREPLACE != 0 && !space.is_free(start, start + length) {
            return Err(Errno::EEXIST);
        }
        if limit != u64::MAX
            && (space.total_pages() as u64 + pages as u64).saturating_mul(4096) > limit
        {
            return Err(Errno::ENOMEM);
        }
        Ok(())
    })?;
    let (backing, may_write) = if !anonymous {
        let (file, may_write) = mapped_file(kernel, task, fd, shared, access)?;
        (Some(FileRange { file, offset }), may_write)
    } else if shared {
        // Shared anonymous memory is a file without a name, as on Linux.
        if !kernel.memory.can_promise(pages) && flags & MAP_NORESERVE == 0 {
            return Err(Errno::ENOMEM.into());
        }
        let file = kernel.vfs.anonymous_file(length)?;
        (Some(FileRange { file, offset: 0 }), true)
    } else {
        (None, true)
    };
    let start = kernel.with_space(task, |space, environment| {
        let start = space.place(address, length, fixed)?;
        let purpose = Purpose::Mapping;
        space.map(
            environment,
            Area {
                start,
                end: start + length,
                access,
                shared,
                may_write,
                backing,
                purpose,
            },
        );
        Ok(start)
    })?;
    Ok(start)
}

/// mprotect.
pub fn mprotect(kernel: &mut Kernel, task: TaskId, start: u64, length: u64, bits: u32) -> Outcome {
    if bits & !0x0300_000f != 0 {
        return Err(Errno::EINVAL.into());
    }
    if !start.is_multiple_of(4096) {
        return Err(Errno::EINVAL.into());
    }
    let end = range_end(start, length).map_err(|_| Errno::ENOMEM)?;
    kernel.with_space(task, |space, environment| {
        space.room_for_areas()?;
        space.protect(environment, start, end, Access::from_bits(bits))
    })?;
    Ok(0)
}

/// munmap.
pub fn munmap(kernel: &mut Kernel, task: TaskId, start: u64, length: u64) -> Outcome {
    let end = range_end(start, length)?;
    if length == 0 {
        return Err(Errno::EINVAL.into());
    }
    kernel
        .with_space(task, |space, environment| {
            if space.unmapping_splits(start, end) {
                space.room_for_areas()?;
                if !environment.machine.has_room() {
                    return Err(Errno::ENOMEM);
                }
            }
            space.unmap(environment, start, end);
            Ok(0)
        })
        .map_err(Into::into)
}

/// brk.
pub fn brk(kernel: &mut Kernel, task: TaskId, end: u64) -> Outcome {
    let limit = kernel.process_of(task)?.limits[resource::DATA].soft;
    kernel
        .with_space(task, |space, environment| {
            Ok(space.set_heap_end(environment, end, limit))
        })
        .map_err(Into::into)
}

/// mremap.
pub fn mremap(
    kernel: &mut Kernel,
    task: TaskId,
    old: u64,
    old_length: u64,
    length: u64,
    flags: u32,
    to: u64,
) -> Outcome {
    const MAYMOVE: u32 = 1;
    const FIXED: u32 = 2;
    if flags & !3 != 0 || (flags & FIXED != 0 && flags & MAYMOVE == 0) || old_length == 0 {
        return Err(Errno::EINVAL.into());
    }
    let length = whole_pages(length, Errno::EINVAL)?;
    let old_end = range_end(old, old_length)?;
    let old_length = old_end - old;
    if length > old_length
        && !kernel
            .memory
            .can_promise(((length - old_length) / 4096) as usize)
    {
        return Err(Errno::ENOMEM.into());
    }
    kernel
        .with_space(task, |space, environment| {
            space.room_for_areas()?;
            let area = *space.find(old).ok_or(Errno::EFAULT)?;
            if area.end < old_end {
                return Err(Errno::EFAULT);
            }
            if flags & FIXED != 0 {
                let end = range_end(to, length)?;
                if to < old_end && old < end {
                    return Err(Errno::EINVAL);
                }
                space.place(to, length, true)?;
                space.unmap(environment, to, end);
            } else if length <= old_length {
                space.unmap(environment, old + length, old_end);
                return Ok(old);
            } else if area.end == old_end
                && old_end + (length - old_length) <= crate::memory::USER_END
                && space.is_free(old_end, old + length)
            {
                space.extend(environment, &area, old_end, old + length);
                return Ok(old);
            }
            let target = match flags {
                _ if flags & FIXED != 0 => to,
                _ if flags & MAYMOVE != 0 => space.find_free(0, length).ok_or(Errno::ENOMEM)?,
                _ => return Err(Errno::ENOMEM),
            };
            let moved = old_length.min(length);
            space.unmap(environment, old + moved, old_end);
            space.relocate(environment, old, old + moved, target);
            if length > moved {
                let part = area.part(old, old + moved);
                let placed = Area {
                    start: target,
                    end: target + moved,
                    ..part
                };
                space.extend(environment, &placed, target + moved, target + length);
            }
            Ok(target)
        })
        .map_err(Into::into)
}

/// msync: shared pages are the file's own, so there is nothing to write.
pub fn msync(kernel: &mut Kernel, task: TaskId, start: u64, length: u64, flags: u32) -> Outcome {
    if flags & !7 != 0 || flags & 5 == 5 {
        return Err(Errno::EINVAL.into());
    }
    covered(kernel, task, start, length)
}

/// mlock and munlock: nothing is ever swapped out.
pub fn mlock(kernel: &mut Kernel, task: TaskId, start: u64, length: u64) -> Outcome {
    let end = start.checked_add(length).ok_or(Errno::EINVAL)?;
    covered(kernel, task, start & !4095, end - (start & !4095))
}

fn covered(kernel: &mut Kernel, task: TaskId, start: u64, length: u64) -> Outcome {
    let end = range_end(start, length)?;
    kernel
        .with_space(task, |space, _| {
            if space.is_covered(start, end) {
                Ok(0)
            } else {
                Err(Errno::ENOMEM)
            }
        })
        .map_err(Into::into)
}

/// mincore.
pub fn mincore(kernel: &mut Kernel, task: TaskId, start: u64, length: u64, to: u64) -> Outcome {
    let end = range_end(start, length)?;
    kernel
        .with_space(task, |space, environment| {
            if !space.is_covered(start, end) {
                return Err(Errno::ENOMEM);
            }
            for page in start / 4096..end / 4096 {
                let there = u8::from(space.is_resident(page));
                space.write(environment, to.wrapping_add(page - start / 4096), &[there])?;
            }
            Ok(0)
        })
        .map_err(Into::into)
}

/// madvise.
pub fn madvise(kernel: &mut Kernel, task: TaskId, start: u64, length: u64, advice: u32) -> Outcome {
    let end = range_end(start, length)?;
    match advice {
        // DONTNEED, FREE
        4 | 8 => kernel
            .with_space(task, |space, environment| {
                space.discard(environment, start, end).map(|()| 0)
            })
            .map_err(Into::into),
        // NORMAL, RANDOM, SEQUENTIAL, WILLNEED, DONTFORK, DOFORK, MERGEABLE.., HUGEPAGE.., DONTDUMP..
        0..=3 | 10..=17 | 20 | 21 => covered(kernel, task, start, length),
        _ => Err(Errno::EINVAL.into()),
    }
}
