//! How many requests a look at the store takes, and that what is remembered hides nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::s3::{against_both, published};
use crate::support::http::Request;
use crate::support::proxy::{Action, Proxy};
use crate::support::server::{Project, Server, VERSITYGW};
use crate::support::{Dir, TestCommand};

against_both!(
    nothing_changed_costs_two_requests,
    what_is_in_a_stored_package_is_asked_when_its_definition_changed,
    a_warm_cache_hides_nothing,
    a_damaged_cache_costs_requests_only,
    a_store_that_lists_nothing_is_asked,
    a_few_functions_are_asked_for,
);

/// A project of many functions with a cache of its own, and a proxy that counts what it asks.
pub struct Many {
    pub project: Project,
    proxy: Proxy,
    cache: Dir,
    counted: usize,
}

/// Requests since the last count.
#[derive(Debug, PartialEq, Eq, Default)]
pub struct Requests {
    pub lists: usize,
    pub gets: usize,
    pub heads: usize,
    pub puts: usize,
}

const TWO_LISTS: Requests = Requests {
    lists: 2,
    gets: 0,
    heads: 0,
    puts: 0,
};

impl Many {
    pub fn new(server: &'static Server, count: usize) -> Self {
        Self::behind(server, count, |_| Action::Forward)
    }

    /// `count` functions. Each other name is the beginning of the next one, which lists in another order than directories do.
    pub fn behind(
        server: &'static Server,
        count: usize,
        decide: impl Fn(&Request) -> Action + Send + Sync + 'static,
    ) -> Self {
        let mut project = server.project();
        fs::remove_file(project.dir.join("lambda-json/app.json")).unwrap();
        for index in 0..count {
            let name = name_of(index);
            project
                .dir
                .write(&format!("code/{name}/app.py"), format!("number = {index}\n"));
            project.dir.write(
                &format!("lambda-json/{name}.json"),
                json!({ "source": name }).to_string(),
            );
        }
        let proxy = Proxy::before(&server.endpoint, decide);
        project.endpoint.clone_from(&proxy.endpoint);
        Many {
            project,
            proxy,
            cache: Dir::new(),
            counted: 0,
        }
    }

    pub fn with_cache(&self, command: TestCommand) -> TestCommand {
        command.env("XDG_CACHE_HOME", self.cache.path())
    }

    pub fn upload(&self) -> TestCommand {
        self.with_cache(self.project.command(["upload", "--json"]))
    }

    fn published(&self) -> TestCommand {
        self.with_cache(published(&self.project))
    }

    /// Statuses of an upload, without repetition. It says nothing else.
    pub fn statuses(&self) -> Vec<String> {
        let run = self.upload().ok();
        assert_eq!(run.stderr, "", "{run:?}");
        BTreeSet::from_iter(run.statuses()).into_iter().collect()
    }

    pub fn requests(&mut self) -> Requests {
        let seen = self.proxy.seen();
        let mut requests = Requests::default();
        for line in &seen[self.counted..] {
            let count = match line.split_once(' ').unwrap() {
                ("GET", target) if target.contains("list-type=2") => &mut requests.lists,
                ("GET", _) => &mut requests.gets,
                ("HEAD", _) => &mut requests.heads,
                ("PUT", _) => &mut requests.puts,
                _ => panic!("{line}"),
            };
            *count += 1;
        }
        self.counted = seen.len();
        requests
    }

    /// The only file of the record cache.
    fn cache_file(&self) -> PathBuf {
        let mut files = self.cache.snapshot();
        files.retain(|(path, _)| path.extension().is_some_and(|extension| extension == "json"));
        let [(path, _)] = &files[..] else {
            panic!("{} files", files.len())
        };
        path.clone()
    }
}

fn name_of(index: usize) -> String {
    let stem = index / 2;
    if index.is_multiple_of(2) {
        format!("f{stem:03}")
    } else {
        format!("f{stem:03}-more")
    }
}

fn nothing_changed_costs_two_requests(server: &'static Server) {
    const COUNT: usize = 300;
    let mut many = Many::new(server, COUNT);
    assert_eq!(many.statuses(), ["uploaded"]);
    let new = Requests {
        puts: 4 * COUNT,
        // Whether anybody deletes: before the first write, and after each record.
        gets: COUNT + 1,
        ..TWO_LISTS
    };
    assert_eq!(many.requests(), new, "what isn't listed isn't asked for");
    assert_eq!(many.statuses(), ["unchanged"]);
    assert_eq!(many.requests(), TWO_LISTS);
    let warm = many.published().ok();
    assert_eq!(many.requests(), TWO_LISTS);

    let cold = Requests {
        gets: COUNT,
        ..TWO_LISTS
    };
    many.cache = Dir::new();
    assert_eq!(many.published().ok().stdout, warm.stdout);
    assert_eq!(many.requests(), cold);
    assert_eq!(many.statuses(), ["unchanged"]);
    assert_eq!(many.requests(), TWO_LISTS);
    assert_eq!(many.upload().args(["--no-cache"]).ok().statuses().len(), COUNT);
    assert_eq!(many.requests(), cold);
    many.cache = Dir::new();
    assert_eq!(many.published().args(["--no-cache"]).ok().stdout, warm.stdout);
    assert_eq!(many.requests(), cold);
    assert!(many.cache.snapshot().is_empty());
}

/// Of what was built nothing but the store's manifest tells whether it has the handler that the definition names now.
fn what_is_in_a_stored_package_is_asked_when_its_definition_changed(server: &'static Server) {
    const COUNT: usize = 16;
    let mut many = Many::new(server, COUNT);
    let define = |many: &Many, index: usize, handler: &str| {
        let name = name_of(index);
        let build = json!({"type": "command", "command": ["sh", "-c", "mkdir out && cp app.py out/"], "output": "out"});
        let definition = json!({"runtime": "python3.13", "handler": handler, "source": name, "build": build});
        many.project
            .dir
            .write(&format!("lambda-json/{name}.json"), definition.to_string());
    };
    for index in 0..COUNT {
        define(&many, index, "app.handler");
    }
    assert_eq!(many.statuses(), ["uploaded"]);
    many.requests();
    assert_eq!(many.statuses(), ["unchanged"]);
    assert_eq!(many.requests(), TWO_LISTS);
    define(&many, 3, "app.main");
    assert_eq!(many.statuses(), ["unchanged"]);
    assert_eq!(many.requests(), Requests { gets: 1, ..TWO_LISTS });
    assert_eq!(many.statuses(), ["unchanged"]);
    assert_eq!(many.requests(), TWO_LISTS);
    define(&many, 3, "main.handler");
    many.project.dir.write("code/f000/app.py", "changed\n");
    let refused = format!(
        "function `{}`: its handler is `main.handler`, but the package has no main.py",
        name_of(3)
    );
    // Nothing else is uploaded either.
    for _ in 0..2 {
        many.upload().fails(3, &[&refused]);
        assert_eq!(many.requests(), Requests { gets: 1, ..TWO_LISTS });
    }
    // Without what this machine remembers, each is looked into.
    define(&many, 3, "app.handler");
    many.cache = Dir::new();
    assert_eq!(many.statuses(), ["unchanged", "uploaded"]);
    let requests = many.requests();
    // Two more whether anybody deletes.
    assert_eq!((requests.lists, requests.gets), (2, 2 * (COUNT - 1) + 2));
    assert_eq!(many.statuses(), ["unchanged"]);
    assert_eq!(many.requests(), TWO_LISTS);
}

fn a_warm_cache_hides_nothing(server: &'static Server) {
    let mut many = Many::new(server, 20);
    many.upload().ok();
    let warm = |many: &mut Many| {
        assert_eq!(many.statuses(), ["unchanged"]);
        many.requests();
        many.published().ok();
        assert_eq!(many.requests(), TWO_LISTS);
    };
    warm(&mut many);

    let project = &many.project;
    let package = project.keys_of("packages").remove(7);
    let mut flipped = project.get(&package);
    flipped[40] ^= 1;
    project.overwrite(&package, flipped);
    many.published().fails(4, &[&package, "can't be trusted"]);
    let run = many.upload().run();
    assert!(run.code == 4 && run.stderr.contains(&package), "{run:?}");

    many.project.delete(&package);
    many.published().fails(1, &["the package was deleted that is recorded"]);
    assert_eq!(many.statuses(), ["unchanged", "uploaded"]);
    // Its package is younger than its record now, and so is looked at once.
    warm(&mut many);

    let record = many.project.keys_of("records").remove(11);
    let sound = many.project.get(&record);
    many.project.delete(&record);
    many.published().fails(1, &["there is no package"]);
    assert_eq!(many.statuses(), ["unchanged", "uploaded"]);
    warm(&mut many);

    let other = String::from_utf8(sound)
        .unwrap()
        .replace("\"size_bytes\":", "\"size_bytes\":1");
    many.project.overwrite(&record, other.into_bytes());
    many.published().fails(4, &["can't be trusted"]);
    many.project.overwrite(&record, b"{}".to_vec());
    many.published().fails(4, &[&record, "can't be trusted"]);
}

fn a_damaged_cache_costs_requests_only(server: &'static Server) {
    const COUNT: usize = 20;
    let mut many = Many::new(server, COUNT);
    many.upload().ok();
    many.requests();
    let file = many.cache_file();
    let whole = fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let other_version = String::from_utf8(whole.clone()).unwrap().replacen(" 1 ", " 2 ", 1);
    for damaged in [
        flipped,
        whole[..whole.len() / 2].to_vec(),
        Vec::new(),
        other_version.into_bytes(),
    ] {
        fs::write(&file, damaged).unwrap();
        assert_eq!(many.statuses(), ["unchanged"]);
        assert_eq!(
            many.requests(),
            Requests {
                gets: COUNT,
                ..TWO_LISTS
            }
        );
        assert_eq!(many.statuses(), ["unchanged"]);
        assert_eq!(many.requests(), TWO_LISTS, "it is made anew");
    }
    // Neither to be read nor to be written, whoever asks.
    let directory = file.parent().unwrap().to_owned();
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert_eq!(many.statuses(), ["unchanged"]);
    fs::remove_dir_all(&directory).unwrap();
    fs::write(&directory, "a file").unwrap();
    assert_eq!(many.statuses(), ["unchanged"]);
    many.published().ok();
    // Several at once leave a whole one.
    fs::remove_file(&directory).unwrap();
    let children: Vec<_> = (0..4).map(|_| many.upload().spawn()).collect();
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    many.requests();
    assert_eq!(many.statuses(), ["unchanged"]);
    assert_eq!(many.requests(), TWO_LISTS);
}

fn a_store_that_lists_nothing_is_asked(server: &'static Server) {
    const DENIED: &str =
        "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
    const COUNT: usize = 20;
    let mut many = Many::behind(server, COUNT, |request| {
        if request.target.contains("list-type=2") {
            Action::Answer(403, "", DENIED)
        } else {
            Action::Forward
        }
    });
    assert_eq!(many.statuses(), ["uploaded"]);
    many.requests();
    assert_eq!(many.statuses(), ["unchanged"]);
    let asked = Requests {
        gets: COUNT,
        heads: COUNT,
        ..TWO_LISTS
    };
    assert_eq!(many.requests(), asked);
    let run = many.published().ok();
    assert_eq!(run.stderr, "");
    assert_eq!(many.requests(), asked);
}

fn a_few_functions_are_asked_for(server: &'static Server) {
    let mut many = Many::new(server, 5);
    many.upload().ok();
    many.requests();
    assert_eq!(many.statuses(), ["unchanged"]);
    let requests = many.requests();
    assert_eq!((requests.lists, requests.gets, requests.heads), (0, 5, 5));
}

/// Old records of a function, as years leave them.
fn age(many: &Many, name: &str, count: usize) {
    for index in 0..count {
        many.project
            .overwrite(&format!("some/prefix/records/{name}/{index:064x}.json"), b"{}".to_vec());
    }
}

/// One function's history fills page after page: that isn't read to its end.
#[test]
fn a_long_history_is_not_listed() {
    const COUNT: usize = 20;
    let mut many = Many::new(&VERSITYGW, COUNT);
    many.upload().ok();
    age(&many, &name_of(0), 2_100);
    many.requests();
    many.published().ok();
    let requests = many.requests();
    assert_eq!(requests.lists, 2, "{requests:?}");
    assert!(requests.gets + requests.heads <= 2 * COUNT, "{requests:?}");
    // And what is new is found to be new.
    many.project
        .dir
        .write(&format!("code/{}/app.py", name_of(1)), "changed\n");
    assert_eq!(many.statuses(), ["unchanged", "uploaded"]);
}

/// A history of some versions each is listed page by page, as each page answers for many functions.
#[test]
fn a_listing_goes_on_while_it_pays() {
    const COUNT: usize = 140;
    let mut many = Many::new(&VERSITYGW, COUNT);
    many.upload().ok();
    for index in 0..COUNT {
        age(&many, &name_of(index), 8);
    }
    many.requests();
    assert_eq!(many.statuses(), ["unchanged"]);
    assert_eq!(many.requests(), Requests { lists: 3, ..TWO_LISTS });
    let answer: Value = many.published().ok().json();
    let packages: Value = serde_json::from_str(answer["packages"].as_str().unwrap()).unwrap();
    assert_eq!(packages.as_object().unwrap().len(), COUNT);
}

/// A package in a directory is hashed once; what tells it from another one is more than size and time.
#[test]
fn a_directory_is_hashed_once_but_never_trusted_blindly() {
    let dir = Dir::with_app();
    let cache = Dir::new();
    let upload = || dir.command(["upload", "--json"]).env("XDG_CACHE_HOME", cache.path());
    let rows = upload().ok().json();
    let zip = PathBuf::from(rows[0]["store_url"].as_str().unwrap().strip_prefix("file://").unwrap());
    let remembered = || {
        cache
            .snapshot()
            .iter()
            .any(|(_, content)| String::from_utf8_lossy(content).contains("\"package\""))
    };
    assert!(!remembered(), "it may change again within the same tick of the clock");
    // How long a file system's clock may stand still.
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    assert_eq!(upload().ok().statuses(), ["unchanged"]);
    assert!(remembered() || !cfg!(target_os = "linux"));
    assert_eq!(upload().ok().statuses(), ["unchanged"]);
    let modified = fs::metadata(&zip).unwrap().modified().unwrap();
    let mut bytes = fs::read(&zip).unwrap();
    bytes[40] ^= 1;
    fs::write(&zip, bytes).unwrap();
    fs::File::options()
        .write(true)
        .open(&zip)
        .unwrap()
        .set_modified(modified)
        .unwrap();
    upload().fails(4, &["can't be trusted"]);
    fs::remove_file(&zip).unwrap();
    assert_eq!(upload().ok().statuses(), ["uploaded"]);
}
