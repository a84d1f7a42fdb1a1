//! Where the mirror lies: who may look at it and write it, on what kind of file system, and how much room is left.

use super::check::Check;
use crate::exit::Exit;
use crate::output::words;
use rustix::fs::Access;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Below this a run cannot be trusted to end well.
const TOO_LITTLE: u64 = 32_000_000;
/// Below this, or half the mirror's size, a re-projection or a long reader may fill the disk.
const LITTLE: u64 = 500_000_000;

/// Looks at the place of `mirror`, and at the configuration file if there is one.
pub(super) fn look(mirror: &Path, configuration: Option<&Path>) -> Vec<Check> {
    let mut checks = vec![modes(mirror, configuration), access(mirror)];
    let folder = existing(mirror);
    checks.extend(room(mirror, &folder));
    checks.extend(file_system(&folder));
    checks
}

/// The mirror holds people's data; the configuration decides whether anything is written to HubSpot.
fn modes(mirror: &Path, configuration: Option<&Path>) -> Check {
    let mode = |path: &Path| path.metadata().ok().filter(Metadata::is_file).map(|file| file.mode() & 0o777);
    let (mut open, mut next, mut seen) = (Vec::new(), Vec::new(), Vec::new());
    for path in ["", "-wal", "-shm"].map(|suffix| beside(mirror, suffix)) {
        let Some(mode) = mode(&path) else { continue };
        seen.push(format!("{} {mode:04o}", name_of(&path)));
        if mode & 0o007 != 0 {
            open.push(format!("{} has mode {mode:04o}: every user of this machine may use it", path.display()));
            next.push(format!("chmod o-rwx {}", path.display()));
        }
    }
    let mut check = Check::fail("file modes", Exit::Attention, "", "");
    if let Some((path, mode)) = configuration.and_then(|path| Some((path, mode(path)?))) {
        seen.push(format!("{} {mode:04o}", name_of(path)));
        if mode & 0o022 != 0 {
            // A group of one's own is usual; everybody is not.
            if open.is_empty() && mode & 0o002 == 0 {
                check = Check::warn("file modes", "", "");
            }
            open.push(format!("{} has mode {mode:04o}: others than its owner may change it", path.display()));
            next.push(format!("chmod go-w {}", path.display()));
        }
    }
    if open.is_empty() {
        return Check::ok("file modes", if seen.is_empty() { "no files yet".to_owned() } else { seen.join(", ") });
    }
    Check { found: format!("{}.", open.join("; ")), next: Some(format!("run: {}", next.join(" && "))), ..check }
}

/// Nothing is opened or made to find out.
fn access(mirror: &Path) -> Check {
    let barred = barred(mirror);
    if barred.is_empty() {
        return Check::ok("access", "whoever runs this may write the mirror and its folder");
    }
    let told = barred.iter().map(|path| match path.metadata() {
        Ok(found) => {
            let kind = if found.is_dir() { "folder" } else { "file" };
            format!("{} ({kind}, mode {:04o}, user {})", path.display(), found.mode() & 0o777, found.uid())
        }
        Err(error) => format!("{} ({error})", path.display()),
    });
    Check::fail(
        "access",
        Exit::Usage,
        format!("whoever runs this may not read and write {}.", told.collect::<Vec<_>>().join(", ")),
        "run crmsync as the user whose files they are, chmod u+rw them (u+rwx a folder), or name another file as the \
         mirror.",
    )
}

/// What whoever runs this may not read and write as a run has to: the mirror, what SQLite and the lock keep beside it, or
/// their folder.
pub(super) fn barred(mirror: &Path) -> Vec<PathBuf> {
    let may = |path: &Path, how: Access| rustix::fs::access(path, how).is_ok();
    let real = mirror.canonicalize().unwrap_or_else(|_| mirror.to_owned());
    let mut barred: Vec<PathBuf> = ["", "-wal", "-shm", ".lock"].map(|suffix| beside(&real, suffix)).into();
    barred.retain(|path| path.exists() && (path.is_dir() || !may(path, Access::READ_OK | Access::WRITE_OK)));
    let folder = existing(mirror);
    if !may(&folder, Access::WRITE_OK | Access::EXEC_OK) {
        barred.push(folder);
    }
    barred
}

fn beside(mirror: &Path, suffix: &str) -> PathBuf {
    let mut name = mirror.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// The nearest folder above a path that is there.
fn existing(path: &Path) -> PathBuf {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real.ancestors().skip(1).find(|folder| folder.is_dir()).unwrap_or(Path::new("/")).to_owned()
}

fn room(mirror: &Path, folder: &Path) -> Option<Check> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let size = mirror.metadata().map_or(0, |metadata| metadata.len());
    let found = format!("{} free beside the mirror ({})", words::size(free), words::size(size));
    let next = "make room, or move the mirror to a larger disk.";
    Some(if free < TOO_LITTLE {
        Check::fail("disk", Exit::Later, format!("only {found}."), next)
    } else if free < LITTLE.min(LITTLE / 4 + size / 2) {
        Check::warn("disk", format!("only {found}."), next)
    } else {
        Check::ok("disk", found)
    })
}

/// SQLite's log needs memory that all its users share, which a network does not give.
#[cfg(target_os = "linux")]
fn file_system(folder: &Path) -> Option<Check> {
    /// `f_type` as the manual page of `statfs` lists it.
    const REMOTE: [(u64, &str); 9] = [
        (0x6969, "NFS"),
        (0x517b, "SMB"),
        (0xff53_4d42, "CIFS"),
        (0xfe53_4d42, "SMB2"),
        (0x5346_414f, "AFS"),
        (0x6b41_4653, "AFS"),
        (0x00c3_6400, "Ceph"),
        (0x0102_1997, "9P"),
        (0x7375_7245, "Coda"),
    ];
    let kind = rustix::fs::statfs(folder).ok()?.f_type as u64 & 0xffff_ffff;
    Some(match REMOTE.iter().find(|(number, _)| *number == kind) {
        Some((_, name)) => Check::fail(
            "file system",
            Exit::Attention,
            format!(
                "{} is on a network file system ({name}), where a SQLite file in WAL mode can be corrupted.",
                folder.display()
            ),
            "move the mirror to a local disk, and copy it elsewhere with `crmsync snapshot`.",
        ),
        None => Check::ok("file system", "not one that is known to be on a network"),
    })
}

/// Other systems number their file systems in other ways.
#[cfg(not(target_os = "linux"))]
fn file_system(_folder: &Path) -> Option<Check> {
    None
}

#[cfg(test)]
mod tests {
    use super::{barred, existing, look};
    use crate::commands::doctor::check::Verdict;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    #[test]
    fn a_mirror_that_everybody_may_read_fails_with_the_command_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let (mirror, configuration) = (folder.path().join("crm.db"), folder.path().join("crmsync.toml"));
        std::fs::write(&mirror, "").unwrap();
        std::fs::write(&configuration, "").unwrap();
        for (mode, of_configuration, verdict) in [
            (0o640, 0o644, Verdict::Ok),
            (0o644, 0o644, Verdict::Fail),
            (0o600, 0o664, Verdict::Warn),
            (0o600, 0o646, Verdict::Fail),
        ] {
            let set =
                |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
            set(&mirror, mode);
            set(&configuration, of_configuration);
            let modes = look(&mirror, Some(&configuration)).remove(0);
            assert_eq!(modes.verdict, verdict, "{mode:o}: {}", modes.found);
            assert_eq!(modes.next.is_some_and(|next| next.contains("chmod")), verdict != Verdict::Ok);
        }
    }

    #[test]
    fn a_folder_in_a_files_place_is_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let mirror = folder.path().canonicalize().unwrap().join("crm.db");
        assert!(barred(&mirror).is_empty(), "it is still to be made");
        std::fs::create_dir(&mirror).unwrap();
        assert_eq!(barred(&mirror), std::slice::from_ref(&mirror));
    }

    #[test]
    fn the_folder_of_a_mirror_that_is_not_there_yet_is_the_nearest_above_it() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        assert_eq!(existing(&real.join("a/b/crm.db")), real);
        assert_eq!(existing(Path::new("/nowhere/crm.db")), Path::new("/"));
    }
}
