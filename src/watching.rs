//! Hearing of changes of files. What changed is up to whoever looks: events say no more than that it is time to.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use lambda_pack_core::graph::Watched;
use lambda_pack_core::source::Resolved;
use lambda_pack_core::{Error, Meter, Result};
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{Config, ErrorKind, Event, RecommendedWatcher, RecursiveMode, Watcher};

/// Editors write a file in several steps, and git writes many files, with less than this between them. Much of what people
/// would notice is left for the hash.
const QUIET: Duration = Duration::from_millis(20);

/// Where something is written all the time, what is known by then is shown.
const PATIENCE: Duration = Duration::from_secs(1);

/// How soon Ctrl-C is noticed.
const INTERRUPT: Duration = Duration::from_millis(100);

/// How often one looks where nobody tells.
const POLL: Duration = Duration::from_secs(1);

pub struct Changes {
    told: Receiver<Told>,
    teller: Sender<Told>,
    how: How,
    watched: Watched,
    /// Without links.
    out_dir: PathBuf,
    /// Whether something else may stand where one of them was.
    is_stale: bool,
    meter: &'static Meter,
}

enum How {
    /// Until there is something to watch.
    NotYet,
    Told {
        #[expect(dead_code, reason = "nobody tells any more when it is dropped")]
        by: RecommendedWatcher,
    },
    Polling,
}

enum Told {
    Written(Vec<PathBuf>),
    /// These may be others now.
    Replaced(Vec<PathBuf>),
    /// There was more than the system could tell of.
    Lost,
    Failed(notify::Error),
}

/// What was heard.
pub struct Heard {
    /// When the first of it was.
    pub since: Instant,
    /// Whether somebody wrote something that is watched, be it the same as before.
    pub was_written: bool,
}

impl Heard {
    /// Of who looks for the first time.
    pub fn now() -> Self {
        Heard {
            since: Instant::now(),
            was_written: false,
        }
    }
}

impl Changes {
    pub fn new(polls: bool, meter: &'static Meter) -> Self {
        let (teller, told) = mpsc::channel();
        Changes {
            told,
            teller,
            how: if polls { How::Polling } else { How::NotYet },
            watched: Watched::default(),
            out_dir: PathBuf::new(),
            is_stale: true,
            meter,
        }
    }

    /// Watches these from now on, in place of others; returns whether it was others. What is read afterwards can't change unheard.
    /// Packages are written to `out_dir`.
    pub fn watch(&mut self, watched: Watched, out_dir: &Path) -> Result<bool> {
        let out_dir = std::path::absolute(out_dir).map_err(|cause| Error::input("find", out_dir, cause))?;
        self.out_dir = Resolved::of(&out_dir).path;
        if matches!(self.how, How::Polling) || (!self.is_stale && self.watched == watched) {
            return Ok(false);
        }
        // Both at once might be more than the system allows.
        self.how = How::NotYet;
        let teller = self.teller.clone();
        let tell = move |event: notify::Result<Event>| {
            let told = match event {
                Ok(event) => told_by(event),
                Err(error) => Some(Told::Failed(error)),
            };
            // Nobody listens any more when the program ends.
            if let Some(told) = told
                && teller.send(told).is_err()
            {
                tracing::debug!("a change at the very end");
            }
        };
        let config = Config::default().with_follow_symlinks(false);
        let mut watcher = RecommendedWatcher::new(tell, config).map_err(cannot_watch)?;
        self.is_stale = false;
        let directories = watched
            .directories
            .iter()
            .map(|path| (path, RecursiveMode::NonRecursive));
        let trees = watched.trees.iter().map(|path| (path, RecursiveMode::Recursive));
        for (path, mode) in directories.chain(trees) {
            match watcher.watch(path, mode) {
                Ok(()) => {}
                // It went meanwhile, which is told by the directory that it was in.
                Err(error) if is_gone(&error) => self.is_stale = true,
                Err(error) => return Err(cannot_watch(error)),
            }
        }
        self.how = How::Told { by: watcher };
        self.watched = watched;
        Ok(true)
    }

    /// Waits for the next change, and until no more come for a moment.
    pub fn wait(&mut self) -> Result<Heard> {
        let started = Instant::now();
        loop {
            self.meter.check()?;
            match self.told.recv_timeout(INTERRUPT) {
                Ok(told) => {
                    let mut heard = Heard::now();
                    self.note(told, &mut heard)?;
                    self.settle(&mut heard)?;
                    return Ok(heard);
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            if matches!(self.how, How::Polling) && started.elapsed() >= POLL {
                return Ok(Heard::now());
            }
        }
    }

    /// Whether there were more changes since, and it is worth while to look again before anything is said.
    pub fn go_on(&mut self, heard: &mut Heard) -> Result<bool> {
        self.meter.check()?;
        if heard.since.elapsed() > PATIENCE {
            return Ok(false);
        }
        let Ok(told) = self.told.try_recv() else {
            return Ok(false);
        };
        self.note(told, heard)?;
        self.settle(heard)?;
        Ok(true)
    }

    fn settle(&mut self, heard: &mut Heard) -> Result<()> {
        while heard.since.elapsed() < PATIENCE
            && let Ok(told) = self.told.recv_timeout(QUIET)
        {
            self.note(told, heard)?;
            self.meter.check()?;
        }
        Ok(())
    }

    /// Whether one of these decides something, and isn't what a build writes.
    fn are_sources(&self, paths: &[PathBuf]) -> bool {
        let is_output = |path: &Path| path == self.out_dir || path.parent() == Some(&self.out_dir);
        paths.iter().any(|path| !is_output(path) && self.watched.counts(path))
    }

    fn note(&mut self, told: Told, heard: &mut Heard) -> Result<()> {
        match told {
            Told::Written(paths) => heard.was_written |= self.are_sources(&paths),
            Told::Replaced(paths) => {
                heard.was_written |= self.are_sources(&paths);
                self.is_stale |= paths.iter().any(|path| self.watched.goes_by(path));
            }
            Told::Lost => {
                self.is_stale = true;
                // Our own reading may have been too much to tell of: then it is as good as polling, and no busier.
                std::thread::sleep(POLL);
            }
            Told::Failed(error) if is_gone(&error) => self.is_stale = true,
            Told::Failed(error) => return Err(cannot_watch(error)),
        }
        Ok(())
    }
}

/// `None` of what our own reading causes.
fn told_by(event: Event) -> Option<Told> {
    if event.need_rescan() {
        return Some(Told::Lost);
    }
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(Told::Written(event.paths)),
        EventKind::Access(_) => None,
        EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Metadata(_)) => Some(Told::Written(event.paths)),
        EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(_) | EventKind::Any | EventKind::Other => {
            Some(Told::Replaced(event.paths))
        }
    }
}

fn is_gone(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(cause) => cause.kind() == io::ErrorKind::NotFound,
        _ => false,
    }
}

fn cannot_watch(error: notify::Error) -> Error {
    /// inotify_init(2): no more of its instances for this user. ENOSPC has a kind of its own.
    const TOO_MANY_OPEN: i32 = 24;
    let place = error.paths.first();
    let place = place.map_or_else(|| "files".to_owned(), |path| format!("`{}`", path.display()));
    match &error.kind {
        ErrorKind::MaxFilesWatch => Error::failed(format!(
            "cannot watch {place}: the system watches as many directories for this user as it may"
        ))
        .help(
            "raise the limit: sudo sysctl fs.inotify.max_user_watches=1048576; or look every second: lambda-pack watch --poll",
        ),
        ErrorKind::Io(cause) if cause.raw_os_error() == Some(TOO_MANY_OPEN) => Error::failed(format!(
            "cannot watch {place}: the system watches for as many programs of this user as it may"
        ))
        .help(
            "raise the limit: sudo sysctl fs.inotify.max_user_instances=1024; or look every second: lambda-pack watch --poll",
        ),
        _ => Error::failed(format!("cannot watch {place}: {error}")).help("look every second: lambda-pack watch --poll"),
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{DataChange, Flag, RemoveKind, RenameMode};

    use super::*;

    #[test]
    fn reading_is_no_change() {
        let told = |kind| told_by(Event::new(kind).add_path("x".into()));
        assert!(told(EventKind::Access(AccessKind::Open(AccessMode::Any))).is_none());
        assert!(told(EventKind::Access(AccessKind::Close(AccessMode::Read))).is_none());
        let saved = EventKind::Access(AccessKind::Close(AccessMode::Write));
        assert!(matches!(told(saved), Some(Told::Written(_))));
        let changed = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        assert!(matches!(told(changed), Some(Told::Written(_))));
        let renamed = EventKind::Modify(ModifyKind::Name(RenameMode::Both));
        assert!(matches!(told(renamed), Some(Told::Replaced(_))));
        let removed = EventKind::Remove(RemoveKind::Any);
        assert!(matches!(told(removed), Some(Told::Replaced(_))));
        let lost = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert!(matches!(told_by(lost), Some(Told::Lost)));
    }
}
