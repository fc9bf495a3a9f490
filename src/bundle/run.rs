//! The lifecycle: is the stored bundle right? If so it is used, else it is built and stored. A failure leaves the bundle before
//! it as it was, and is recorded.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lambda_pack_core::bundle::mask::Masks;
use lambda_pack_core::bundle::spec::Spec;
use lambda_pack_core::bundle::{Answer, Bundle, Status};
use lambda_pack_core::temporary::{PrivateDirectory, remove_abandoned};
use lambda_pack_core::{Error, ErrorKind, Meter, Result};

use super::check::{Checked, Local, Module};
use super::environment::{Account, Environment, Told};
use super::fetch::{Target, fetch};
use super::lease::{Attempt, Lease};
use super::phases::{self, Phases, PhasesRun};
use super::report::{Clock, Outcome, Report};
use super::secrets::Secrets;
use super::store::{Writer, take_lease};
use super::{artifacts, workspace};
use crate::time;
use crate::{caches, git, report};

/// What a user asks for.
pub struct Request<'a> {
    pub local: &'a Local,
    /// Build even if the stored bundle is right.
    pub force: bool,
    /// Where the bundle goes in the end.
    pub target: Option<Target>,
    /// The text of a JSON object; without it, the metadata that the commands wrote.
    pub outputs: Option<String>,
    /// For the log.
    pub report_dir: &'a Path,
    /// Names of variables of the caller's that the commands may see.
    pub pass_env: &'a [String],
    /// Runs after those of the phase `build`, if there are words.
    pub command: &'a [String],
    pub lease: Duration,
    /// What builds and stores the bundle in place of this process.
    pub elsewhere: Option<&'a dyn Fn() -> Result<()>>,
    pub cache_dir: Option<&'a Path>,
    pub meter: &'static Meter,
}

/// A run of the lifecycle.
pub struct Run<'a> {
    request: &'a Request<'a>,
    module: &'a Module<'a>,
    clock: Clock,
    /// What of it is known so far.
    report: Report,
    /// Bundles that are recorded.
    known: Vec<Bundle>,
}

impl<'a> Run<'a> {
    /// Does it. The report is there also where it failed.
    pub fn to_its_end(request: &'a Request<'a>, module: &'a Module<'a>) -> (Report, Result<()>) {
        let checksum = request.local.checksum.blake3.to_hex();
        let mut run = Run {
            request,
            module,
            clock: Clock::start(),
            report: Report::new(&module.place.identity, checksum),
            known: Vec::new(),
        };
        let done = run.lifecycle();
        let Run { mut report, clock, .. } = run;
        let done = match done {
            Ok(bundle) => {
                report.bundle = Some(bundle);
                Ok(())
            }
            Err(error) => {
                report.result = Outcome::Failed;
                report.error = Some(error.message().to_owned());
                Err(error)
            }
        };
        clock.finish(&mut report);
        (report, done)
    }

    fn lifecycle(&mut self) -> Result<Bundle> {
        if let Some(bundle) = self.check("check", self.request.force)? {
            self.hand_out(&bundle)?;
            self.touch();
            return Ok(bundle);
        }
        // Before any work that would be lost.
        if let Some(target) = &self.request.target {
            target.check(&self.known, self.request.meter)?;
        }
        match self.request.elsewhere {
            Some(build) => self.build_elsewhere(build),
            None => self.build_here(),
        }
    }

    /// Believes the records and the object, not whoever says to have made them.
    fn build_elsewhere(&mut self, build: &dyn Fn() -> Result<()>) -> Result<Bundle> {
        self.report.result = Outcome::Built;
        self.clock.time("build elsewhere", build)?;
        let Checked { answer, hit, .. } = (self.clock).time("check what was built", || {
            self.module.check(&self.request.local.checksum, false)
        })?;
        let bundle = hit.ok_or_else(|| {
            let Answer { decision, reason } = answer;
            let what = format!(
                "the build succeeded, but its bundle is not right: {}: {reason}",
                decision.name()
            );
            Error::new(ErrorKind::RemoteBuild, what).help("read its log: `lambda-pack remote logs BUILD_ID`")
        })?;
        self.hand_out(&bundle)?;
        Ok(bundle)
    }

    fn build_here(&mut self) -> Result<Bundle> {
        let lease = take_lease(self.module, self.request.lease)?;
        // Somebody may have stored it just before.
        if let Some(bundle) = self.check("check again, with the lease", self.request.force)? {
            drop(lease);
            self.hand_out(&bundle)?;
            return Ok(bundle);
        }
        self.report.result = Outcome::Built;
        let Local { checksum, making, .. } = self.request.local;
        let writer = Writer::start(self.module, lease, checksum, git::commit(&making.source))?;
        match self.build(&writer) {
            Ok(bundle) => {
                drop(writer);
                self.hand_out(&bundle)?;
                Ok(bundle)
            }
            Err(error) => {
                writer.fail(&error);
                Err(error)
            }
        }
    }

    /// The stored bundle, if it is right.
    fn check(&mut self, step: &'static str, force: bool) -> Result<Option<Bundle>> {
        let (module, wanted) = (self.module, &self.request.local.checksum);
        let checked = self.clock.time(step, || module.check(wanted, force))?;
        tracing::info!("{}: {}", checked.answer.decision.name(), checked.answer.reason);
        self.report.decision = Some(checked.answer.decision);
        self.report.reason = checked.answer.reason;
        self.report.stored_checksum = checked.stored_checksum;
        self.known = checked.known;
        Ok(checked.hit)
    }

    fn hand_out(&mut self, bundle: &Bundle) -> Result<()> {
        let (object, request) = (&self.module.object, self.request);
        let Some(target) = &request.target else {
            return Ok(());
        };
        let known = &self.known;
        self.clock
            .time("fetch", || fetch(object, bundle, target, known, request.meter))
    }

    /// Notes that the bundle was used; nothing else changes. Who may not write uses it all the same, and who writes at this moment
    /// knows better.
    fn touch(&mut self) {
        let (module, lease) = (self.module, self.request.lease);
        let noted = self.clock.time("note the use", || {
            let Attempt::Taken(lease) = Lease::take(module.place, module.connection, lease)? else {
                return Ok(());
            };
            if let Some(status) = module.read()?.status {
                module.records.write_status(&Status {
                    used_at: Some(time::text(time::now())),
                    ..status
                })?;
            }
            drop(lease);
            Ok(())
        });
        if let Err(error) = noted {
            report::warning(&format!("that the bundle was used is not noted: {error}"));
        }
    }

    fn build(&mut self, writer: &Writer) -> Result<Bundle> {
        let Local { making, .. } = self.request.local;
        let spec = match &making.spec {
            Some(spec) => Spec::parse(spec.path.display(), &spec.content)?,
            None => Spec::default(),
        };
        for warning in &spec.warnings {
            report::warning(warning);
        }
        let secrets = self.secrets(&spec)?;
        let masks = secrets.masks();
        // What commands make of a secret, a file's name for example, comes back in the messages of all that follows.
        self.build_with(writer, &spec, &secrets, &masks)
            .map_err(|error| error.map_text(|text| masks.mask_text(text)))
    }

    fn secrets(&mut self, spec: &Spec) -> Result<Secrets> {
        let (request, connection) = (self.request, self.module.connection);
        self.clock.time("ask for secrets", || {
            let references = request.local.making.parameters.secrets.values();
            let references = references.chain(spec.secrets.values()).cloned().collect();
            connection.call(Secrets::fetch(connection.config.clone(), references))
        })
    }

    fn build_with(&mut self, writer: &Writer, spec: &Spec, secrets: &Secrets, masks: &Masks) -> Result<Bundle> {
        let place = std::env::temp_dir();
        remove_abandoned(&place);
        let scratch =
            PrivateDirectory::new(&place).map_err(|cause| Error::io("make a temporary directory in", &place, cause))?;
        let directory = scratch.path().join("module");
        self.copy(&directory)?;
        let outputs = self.run_phases(spec, secrets, masks, &directory)?;
        let outputs = self.request.outputs.as_ref().unwrap_or(&outputs);
        let tree = artifacts::made(spec, &directory, self.request.meter)?;
        let (cache_dir, meter) = (self.request.cache_dir, self.request.meter);
        self.clock.time("store", || {
            let caches = caches::open(cache_dir, &directory, true);
            let stored = writer.store(&tree, Some(outputs), &caches, meter);
            caches::keep(caches);
            stored
        })
    }

    fn copy(&mut self, directory: &Path) -> Result<()> {
        let Local {
            tree, making, checksum, ..
        } = self.request.local;
        let meter = self.request.meter;
        self.clock.time("copy the source", || {
            fs::create_dir(directory).map_err(|cause| Error::io("create the directory", directory, cause))?;
            workspace::fill(directory, tree, making, checksum, meter)
        })
    }

    /// Runs the commands, and gives the outputs that they left.
    fn run_phases(&mut self, spec: &Spec, secrets: &Secrets, masks: &Masks, directory: &Path) -> Result<String> {
        let (request, module) = (self.request, self.module);
        let account = (self.clock).time("ask for the account", || Account::of_caller(module.connection))?;
        let environment = Environment::new(&Told {
            module: &module.place.identity,
            parameters: &request.local.making.parameters,
            spec,
            secrets,
            md5: &request.local.checksum.md5.to_hex(),
            account: &account,
            pass_env: request.pass_env,
        })?;
        let log = self.log()?;
        let ran = self.clock.time("run the phases", || {
            phases::run(Phases {
                spec,
                command: request.command,
                directory,
                environment,
                masks,
                log: &log,
                meter: request.meter,
            })
        })?;
        let PhasesRun {
            phases,
            outputs,
            failure,
        } = ran;
        self.report.phases = phases;
        match failure {
            Some(error) => Err(error),
            None => Ok(outputs.to_json()),
        }
    }

    fn log(&mut self) -> Result<PathBuf> {
        let directory = self.request.report_dir;
        fs::create_dir_all(directory).map_err(|cause| {
            Error::io("create the directory", directory, cause).help("name another place with --report-dir")
        })?;
        let log = directory.join("build.log");
        self.report.log = Some(log.clone());
        Ok(log)
    }
}
