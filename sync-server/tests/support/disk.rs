//! A small disk that can really be full: memory that is mounted where only the processes that are let in see it, and that is
//! gone with this program. It takes root and Linux; elsewhere there is none.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A mount of its own, in a namespace that a process holds.
pub(crate) struct SmallDisk {
    holder: Child,
    place: PathBuf,
}

impl SmallDisk {
    /// Mounts `mib` MiB at `data` in `folder`, owned by `owner`. `None` where that can't be done.
    pub(crate) fn mount(folder: &Path, mib: u64, owner: (u32, u32)) -> Option<Self> {
        let place = folder.join("data");
        std::fs::create_dir(&place).ok()?;
        let (user, group) = owner;
        let mount = format!(
            "mount -t tmpfs -o size={mib}m,uid={user},gid={group},mode=700 tmpfs '{}' && echo mounted && read -r _",
            place.display()
        );
        let mut holder = Command::new("unshare")
            .args(["--mount", "sh", "-c", &mount])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut said = String::new();
        let _ = BufReader::new(holder.stdout.take()?).read_line(&mut said);
        let disk = Self { holder, place };
        if said == "mounted\n" {
            return Some(disk);
        }
        let _ = std::fs::remove_dir(&disk.place);
        None
    }

    /// A command that sees the disk.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--mount=/proc/{}/ns/mnt", self.holder.id()))
            .arg("--")
            .arg(program);
        command
    }

    /// What is on it, for those who do not see it.
    pub(crate) fn seen_from_outside(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(self.place.strip_prefix("/").unwrap())
    }

    fn ballast(&self) -> PathBuf {
        self.seen_from_outside().join("ballast")
    }

    /// Nothing more fits on it.
    pub(crate) fn fill(&self) {
        let mut ballast = std::fs::File::create(self.ballast()).unwrap();
        let piece = vec![0; 64 * 1024];
        let full = loop {
            if let Err(error) = ballast.write_all(&piece) {
                break error;
            }
        };
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    }

    /// There is room again.
    pub(crate) fn free(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
