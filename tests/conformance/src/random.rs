//! Random programs.
//! wip
use proptest::prelude::*;
use crate::program::Program;
/// wip
#[derive(Debug, Clone, Copy)]
pub enum Sort { 
    /// wip
    Plain }
/// wip
pub fn programs(_: Sort) -> impl Strategy<Value = Program> { Just(Program{main: std::sync::Arc::new([]), shielded: true, traced: true}) }
