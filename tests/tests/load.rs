//! The load driver on a real system: nothing that users ask for fails, what they were told is what the system holds, and
//! listeners hear all of it. How fast is another question: thresholds are for a machine that does nothing else.

use std::process::Command;
use std::time::Duration;
use tests::System;
use tests::load::{Course, Plan, Profiles, Report, Stage, Step, Target, count, drive, watched};
use tests::system::PATIENT_REDIS;

const PROGRAM: &str = env!("CARGO_BIN_EXE_system");
/// Limits that a busy machine does not reach: what is late has not failed here.
const PATIENT: [(&str, &str); 3] =
    [PATIENT_REDIS, ("SYNCBOARD_DATABASE_TIMEOUT", "8s"), ("SYNCBOARD_WAIT_TIMEOUT", "8s")];

fn plan(name: &str) -> Plan {
    Profiles::read().and_then(|profiles| profiles.plan(name, true)).expect("a committed profile")
}

async fn report(system: &System, plan: Plan) -> Report {
    let target = Target::new(system.fact("command_url"), system.fact("query_url"), false).expect("it runs here");
    let target = target.with_projector(system.fact("projector_url"));
    let (record, courses) = watched(&target, plan.form.length(), drive(&target, &plan)).await;
    let truth = count(&target, &plan, &record).await;
    Report { plan, driver: "Rust driver".to_owned(), record, courses, truth }
}

/// Panics if anything failed, or was told and is not there.
fn check(report: &Report) {
    println!("{}: {}\n{}", report.plan.name, report.verdict(), report.table() + &report.course());
    assert!(report.record.failures().is_empty(), "{}", report.verdict());
    assert_eq!(report.courses.len(), 6, "memory and open files of three processes");
    let is_known = |course: &Course| course.quarters.iter().all(|value| *value > 1.0);
    assert!(report.courses.iter().all(is_known), "{}", report.course());
    assert!(report.truth.is_right() && report.truth.uploads > 0, "{:?}", report.truth);
}

fn stage(seconds: u64, target: usize) -> Stage {
    Stage { duration: Duration::from_secs(seconds), target }
}

#[tokio::test]
async fn what_users_of_a_smoke_and_a_ramp_were_told_is_there() {
    let system = System::start_with(PROGRAM, &PATIENT).await;
    for name in ["smoke", "ramp"] {
        let report = report(&system, plan(name)).await;
        check(&report);
        if name == "ramp" {
            let is_taken = |step: &Step| report.record.succeeded(*step) > 0;
            assert_eq!(Step::ALL.into_iter().filter(is_taken).count(), Step::ALL.len() - 1, "all but deliveries");
        }
    }
    system.finish().await;
}

#[tokio::test]
async fn listeners_hear_each_event_of_their_workspace_once() {
    let system = System::start_with(PROGRAM, &PATIENT).await;
    let mut plan = plan("subscribers");
    plan.form.stages = vec![stage(1, 10), stage(11, 10)];
    (plan.form.accounts, plan.form.listeners) = (Some(2), 20);
    let report = report(&system, plan).await;
    check(&report);
    let events = report.truth.events;
    assert_eq!(report.record.succeeded(Step::Delivery), events * 10, "each event has ten listeners");
    system.finish().await;
}

#[test]
fn the_program_says_how_to_get_k6_and_refuses_other_machines() {
    let run = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_load")).args(args).output().expect("it starts");
        (output.status.code(), String::from_utf8(output.stderr).expect("text"))
    };
    let (status, said) = run(&["smoke", "--short", "--k6", "/nowhere/k6"]);
    assert_eq!(status, Some(2));
    assert!(said.contains("Debian does not carry it") && said.contains("--driver rust"), "{said}");
    let elsewhere = ["--command-url", "http://192.0.2.1:8080", "--query-url", "http://192.0.2.1:8081"];
    let (status, said) = run(&[&["smoke", "--short", "--driver", "rust"], &elsewhere[..]].concat());
    assert_eq!(status, Some(2));
    assert!(said.contains("not on this machine"), "{said}");
    let (status, said) = run(&["rampage", "--short", "--driver", "rust"]);
    assert_eq!(status, Some(2));
    assert!(said.contains("rampage is none of smoke, ramp, spike, soak, subscribers"), "{said}");
}
