//! One Parquet file, written row by row in bounded memory. The only file that names `parquet`, and of that its low-level writer:
//! Arrow would take longer to build than all of this program.

use super::columns::{Column, Kind};
use crate::limits::{ROW_GROUP_BYTES, ROW_GROUP_ROWS};
use crate::report::clock;
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use serde_json::Value;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

/// Values of a column that wait for their row group, with their levels (Apache Parquet format, "Nested Encoding").
struct Waiting {
    kind: Kind,
    bytes: Vec<ByteArray>,
    ints: Vec<i64>,
    reals: Vec<f64>,
    flags: Vec<bool>,
    definition: Vec<i16>,
    repetition: Vec<i16>,
}

/// A file under construction.
pub struct Parquet {
    out: SerializedFileWriter<BufWriter<File>>,
    columns: Vec<(Column, Waiting)>,
    rows: usize,
    octets: usize,
}

impl Parquet {
    /// A table of this name with these columns.
    pub fn new(file: File, name: &str, columns: &[Column]) -> io::Result<Parquet> {
        let schema = parse_message_type(&schema(name, columns)).map_err(error)?;
        let properties = WriterProperties::builder()
            // The middle of zstd's levels costs many times the time for a few percent.
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).map_err(error)?))
            .set_created_by(concat!("interloper ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let out = SerializedFileWriter::new(BufWriter::with_capacity(1 << 16, file), Arc::new(schema), Arc::new(properties));
        let columns = columns.iter().map(|c| (*c, Waiting::new(c.1))).collect();
        Ok(Parquet { out: out.map_err(error)?, columns, rows: 0, octets: 0 })
    }

    /// Adds a row: a record, and the one it is part of.
    pub fn push(&mut self, record: &Value, whole: &Value) -> io::Result<()> {
        for ((_, _, place), waiting) in &mut self.columns {
            let value = match place.strip_prefix('^') {
                Some(place) => whole.pointer(place),
                None => record.pointer(place),
            };
            self.octets += waiting.push(value.unwrap_or(&Value::Null));
        }
        self.rows += 1;
        if self.rows >= ROW_GROUP_ROWS || self.octets >= ROW_GROUP_BYTES { self.flush() } else { Ok(()) }
    }

    /// Writes what waits as a row group.
    fn flush(&mut self) -> io::Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.out.next_row_group().map_err(error)?;
        let mut columns = self.columns.iter_mut();
        while let Some(mut column) = group.next_column().map_err(error)? {
            let (_, waiting) = columns.next().ok_or_else(|| io::Error::other("more columns in the file than in the table"))?;
            waiting.write(&mut column).map_err(error)?;
            column.close().map_err(error)?;
        }
        group.close().map_err(error)?;
        (self.rows, self.octets) = (0, 0);
        Ok(())
    }

    /// Writes the rest, and what makes the file readable.
    pub fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        self.out.finish().map_err(error)?;
        self.out.inner_mut().flush()
    }
}

/// The schema in Parquet's own notation. Every value may be missing, a list may be empty.
fn schema(name: &str, columns: &[Column]) -> String {
    let mut out = format!("message {name} {{\n");
    for (name, kind, _) in columns {
        let list = |of: &str| format!("required group {name} (LIST) {{ repeated group list {{ required {of}; }} }}");
        let field = match kind {
            Kind::Text | Kind::Json => format!("optional binary {name} (STRING);"),
            Kind::Int => format!("optional int64 {name};"),
            Kind::Real => format!("optional double {name};"),
            Kind::Flag => format!("optional boolean {name};"),
            Kind::Time => format!("optional int64 {name} (TIMESTAMP(NANOS,true));"),
            Kind::Texts => list("binary element (STRING)"),
            Kind::Ints => list("int64 element"),
        };
        out.push_str(&format!("  {field}\n"));
    }
    out.push_str("}\n");
    out
}

/// What went wrong with the file is what people need to hear; the library wraps it.
fn error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}

impl Waiting {
    fn new(kind: Kind) -> Waiting {
        let (bytes, ints, reals, flags) = Default::default();
        Waiting { kind, bytes, ints, reals, flags, definition: Vec::new(), repetition: Vec::new() }
    }

    /// Adds a value and gives what it takes, about.
    fn push(&mut self, value: &Value) -> usize {
        match (self.kind, value) {
            (Kind::Texts | Kind::Ints, Value::Array(list)) if !list.is_empty() => {
                list.iter().enumerate().map(|(i, v)| self.one(v, i16::from(i > 0))).sum()
            }
            _ => self.one(value, 0),
        }
    }

    fn one(&mut self, value: &Value, repetition: i16) -> usize {
        let mut octets = 8;
        let known = match self.kind {
            Kind::Text | Kind::Texts => value.as_str().map(|s| {
                octets += s.len() + size_of::<ByteArray>();
                self.bytes.push(s.into());
            }),
            Kind::Json => (!value.is_null()).then(|| {
                let text = value.to_string();
                octets += text.len() + size_of::<ByteArray>();
                self.bytes.push(text.as_str().into());
            }),
            // Counters of a single run stay below 2^63.
            Kind::Int | Kind::Ints => value.as_i64().map(|n| self.ints.push(n)),
            Kind::Real => value.as_f64().map(|n| self.reals.push(n)),
            Kind::Flag => value.as_bool().map(|b| self.flags.push(b)),
            Kind::Time => value.as_str().and_then(clock::parse).map(|t| self.ints.push(t.0)),
        };
        self.definition.push(i16::from(known.is_some()));
        self.repetition.push(repetition);
        octets
    }

    fn write(&mut self, column: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let definition = Some(self.definition.as_slice());
        let repetition = Some(self.repetition.as_slice()).filter(|_| matches!(self.kind, Kind::Texts | Kind::Ints));
        match self.kind {
            Kind::Text | Kind::Texts | Kind::Json => column.typed::<ByteArrayType>().write_batch(&self.bytes, definition, repetition)?,
            Kind::Int | Kind::Ints | Kind::Time => column.typed::<Int64Type>().write_batch(&self.ints, definition, repetition)?,
            Kind::Real => column.typed::<DoubleType>().write_batch(&self.reals, definition, repetition)?,
            Kind::Flag => column.typed::<BoolType>().write_batch(&self.flags, definition, repetition)?,
        };
        self.bytes.clear();
        self.ints.clear();
        self.reals.clear();
        self.flags.clear();
        self.definition.clear();
        self.repetition.clear();
        Ok(())
    }
}
