//! x
use super::ToolError;
/// a
#[derive(clap::Args, Debug)]
pub struct TourArgs {}
/// r
pub fn run(_: &TourArgs) -> Result<(), ToolError> {
    Ok(())
}
