//! Load by profiles: users who log in, upload, edit, read, list and subscribe, each waiting for its answer and thinking
//! before the next step; driven from here or by k6, measured and reported alike.

mod course;
mod drive;
mod figures;
mod k6;
mod listener;
mod plot;
mod profiles;
mod record;
mod report;
mod socket;
mod target;
mod truth;
mod visitor;

pub use course::{Course, watched};
pub use drive::drive;
pub use figures::Figures;
pub use k6::K6;
pub use profiles::{Act, Form, Habits, Plan, Profiles, Stage, Thresholds};
pub use record::{Record, Sample, Step};
pub use report::Report;
pub use target::Target;
pub use truth::{Truth, count};
