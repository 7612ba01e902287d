//! Which list to read, and in which format: as the user says, or as its beginning looks.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Format, ListError, PackageList, guess};
use crate::cli::Failure;
use crate::cli::output::diagnostics;
use crate::cli::progress::Progress;
use crate::cli::tools::ToolFailure;
use crate::index::LimitError;

/// The list to read.
#[derive(Debug, Args)]
pub(in crate::cli::tools) struct Source {
    /// The list; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The format of the list [default: guessed from its beginning, and reported]
    #[arg(long, value_enum)]
    format: Option<Format>,
}

/// How compressed files begin, and the tool that decompresses them.
const COMPRESSED: [(&[u8], &str); 5] = [
    (b"\xfd7zXZ", "xz"),
    (b"\x1f\x8b", "gzip"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh91AY&SY", "bzip2"),
];

/// What some editors write before the first line: U+FEFF in UTF-8. It is skipped.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Source {
    /// Reads the list. If it guessed the format, standard error says so.
    pub(in crate::cli::tools) fn read(&self) -> Result<PackageList, Failure> {
        let mut format = self.format;
        self.read_as(&mut format).map_err(|error| match error {
            ListError::Io(error) => Failure::Read { path: self.file.clone(), error },
            error => {
                let hint = error.hint(format, self.format.is_none());
                ToolFailure::List { path: self.file.clone(), error, hint }.into()
            }
        })
    }

    fn read_as(&self, format: &mut Option<Format>) -> Result<PackageList, ListError> {
        let (mut reader, bytes) = self.open()?;
        let mut start = Vec::new();
        reader.by_ref().take(guess::START_BYTES as u64).read_to_end(&mut start)?;
        if let Some(&(_, tool)) = COMPRESSED.iter().find(|(magic, _)| start.starts_with(magic)) {
            return Err(ListError::Compressed { tool });
        }
        if start.starts_with(BYTE_ORDER_MARK) {
            start.drain(..BYTE_ORDER_MARK.len());
        }
        let chosen = if let Some(format) = *format {
            format
        } else {
            let guessed = guess::format(&start)?;
            // A failed write does not matter.
            let _said = writeln!(
                diagnostics(),
                "guessed the format {guessed}; if it is wrong, give --format"
            );
            guessed
        };
        *format = Some(chosen);
        let progress = Progress::of_bytes("reading", bytes);
        let counted = Counted { reader, progress: &progress };
        let list = chosen
            .read(Cursor::new(&start).chain(BufReader::with_capacity(1 << 16, counted)), &start);
        progress.finish();
        list
    }

    /// The error for a list that is larger than an index can hold.
    pub(in crate::cli::tools) fn too_large(&self, error: LimitError) -> Failure {
        ToolFailure::Limit { path: self.file.clone(), error }.into()
    }

    /// The file, and its length in bytes if that is known.
    fn open(&self) -> io::Result<(Box<dyn Read>, Option<u64>)> {
        if self.file == Path::new("-") {
            return Ok((Box::new(io::stdin().lock()), None));
        }
        let file = File::open(&self.file)?;
        let metadata = file.metadata()?;
        Ok((Box::new(file), metadata.is_file().then_some(metadata.len())))
    }
}

/// Shows the progress of reading.
struct Counted<'a> {
    reader: Box<dyn Read>,
    progress: &'a Progress,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.progress.advance(count);
        Ok(count)
    }
}
