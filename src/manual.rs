//! Manual pages. clap_mangen fills what stands after the options, and calls it EXTRA; here examples stay in lines, as they are typed.

use std::fs::File;
use std::io;
use std::path::Path;

use clap::Command;
use clap::builder::Resettable;
use clap_mangen::Man;
use roff::{Roff, roman};

/// The page of this command alone.
pub fn page(command: Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    write(command, &mut page)?;
    Ok(page)
}

/// The pages of this command and of all below it, a file each.
pub fn pages(command: Command, directory: &Path) -> io::Result<()> {
    let mut command = command.disable_help_subcommand(true);
    // Gives those below their full names, and the options that all have.
    command.build();
    pages_of(command, directory)
}

fn pages_of(command: Command, directory: &Path) -> io::Result<()> {
    for below in command.get_subcommands().filter(|it| !it.is_hide_set()).cloned() {
        pages_of(below, directory)?;
    }
    let name = Man::new(command.clone()).get_filename();
    let mut file = File::create(directory.join(name))?;
    write(command, &mut file)
}

fn write(command: Command, page: &mut dyn io::Write) -> io::Result<()> {
    let after = command.get_after_long_help().or_else(|| command.get_after_help());
    let after = after.map(ToString::to_string).unwrap_or_default();
    let without = command.after_help(Resettable::Reset).after_long_help(Resettable::Reset);
    Man::new(without).render(page)?;
    sections(&after).to_writer(page)
}

/// What a command says after its options: paragraphs that begin with `Examples:` or `Exit codes:`; a test in `cli` knows of no other.
fn sections(text: &str) -> Roff {
    let mut roff = Roff::new();
    for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
        if let Some(codes) = paragraph.strip_prefix("Exit codes: ") {
            roff.control("SH", ["EXIT STATUS"]).text([roman(codes)]);
            continue;
        }
        roff.control("SH", ["EXAMPLES"]).control("nf", []);
        for line in paragraph.lines().skip(1) {
            roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
        }
        roff.control("fi", []);
    }
    roff
}
