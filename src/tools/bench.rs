//! x
use super::ToolError;
/// a
#[derive(clap::Args, Debug)]
pub struct BenchArgs {}
/// r
pub fn run(_: &BenchArgs) -> Result<(), ToolError> { Ok(()) }
