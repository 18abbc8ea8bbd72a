//! Programs, and what keeps them well.

use super::{Archetype, LANGUAGE, MONITORING, OPERATIONS, TESTING, essential, helpful, knowledge};
use crate::suggestions::grounds::Scope;
use events::Category;

pub(super) const ARCHETYPES: &[Archetype] = &[
    Archetype {
        kind: "delivery_platform",
        name: "a way from a commit to operation",
        scope: Scope::Workspace,
        title: "From a commit to operation with {0}",
        description: "Builds, tests and delivers a program without hands, and takes it back when something is wrong.",
        days: 10,
        needs: &[
            essential(
                "building and delivering",
                knowledge(
                    &[Category::Devops],
                    &["deployment", "pipeline", "continuous", "container", "docker", "kubernetes"],
                ),
            ),
            essential("where it runs", knowledge(&[Category::Platform], &["cloud", "linux", "server", "cluster"])),
            helpful("monitoring", MONITORING),
            helpful("security", knowledge(&[], &["security", "secret", "encryption", "vulnerability"])),
            helpful("testing", TESTING),
        ],
        crafts: &["writing runbooks"],
        steps: &[
            "Write down every step that a person takes today.",
            "Automate the build and its tests first.",
            "Deliver to {1} with {0}, and practise taking a delivery back.",
            "Measure how long a change of one line takes.",
        ],
    },
    Archetype {
        kind: "mobile_app",
        name: "an app for phones",
        scope: Scope::Workspace,
        title: "An app for phones with {0}",
        description: "One task that people have on the way, done in a few touches, also without a network.",
        days: 25,
        needs: &[
            essential(
                "building apps",
                knowledge(&[], &["mobile", "android", "ios", "swift", "kotlin", "flutter", "smartphone", "phone"]),
            ),
            helpful(
                "designing for people",
                knowledge(&[], &["design", "interface", "ux", "usability", "accessibility"]),
            ),
            helpful("a service behind it", knowledge(&[Category::Framework], &["api", "backend", "server"])),
            helpful("testing", TESTING),
        ],
        crafts: &["watching people use it"],
        steps: &[
            "Watch three people do the task without an app.",
            "Draw its three screens, and let the same people use the paper.",
            "Build the first screen with {0}, without a network.",
            "Give it to five people for a week, and ask what they missed.",
        ],
    },
    Archetype {
        kind: "command_line_tool",
        name: "a program for the command line",
        scope: Scope::Workspace,
        title: "A program for the command line in {0}",
        description: "Does one chore that your documents describe step by step, in one command with clear messages.",
        days: 4,
        needs: &[
            essential("a programming language", LANGUAGE),
            essential(
                "the command line and automation",
                knowledge(&[], &["shell", "script", "scripting", "automation", "terminal", "cli", "command", "bash"]),
            ),
            helpful("testing", TESTING),
        ],
        crafts: &["writing messages that help"],
        steps: &[
            "Choose the chore, and write its --help first.",
            "Write it in {0} for the case that happens most.",
            "Add what goes wrong: each message says what to do.",
        ],
    },
    Archetype {
        kind: "test_suite",
        name: "a test suite",
        scope: Scope::Workspace,
        title: "A test suite with {0}",
        description: "Says within minutes whether a system still does what it must, and can itself fail.",
        days: 8,
        needs: &[
            essential("testing", TESTING),
            essential(
                "what is tested",
                knowledge(
                    &[Category::Language, Category::Framework, Category::Library],
                    &["system", "software", "application"],
                ),
            ),
            helpful("building and delivering", OPERATIONS),
        ],
        crafts: &["thinking of what can go wrong"],
        steps: &[
            "List the five ways in which the system has failed before.",
            "Write a test for each with {0}, and see each fail once.",
            "Run them at every change, and mend what fails by chance first.",
        ],
    },
    Archetype {
        kind: "security_review",
        name: "a security review",
        scope: Scope::Workspace,
        title: "A security review of {1}, from {0} on",
        description: "What could be attacked, by whom, what speaks against it, and what to mend first.",
        days: 6,
        needs: &[
            essential(
                "security",
                knowledge(
                    &[],
                    &[
                        "security",
                        "authentication",
                        "authorization",
                        "encryption",
                        "vulnerability",
                        "attack",
                        "threat",
                        "privacy",
                        "password",
                        "token",
                    ],
                ),
            ),
            essential(
                "the system",
                knowledge(
                    &[Category::Platform, Category::Framework, Category::Architecture, Category::Database],
                    &["system", "network", "server", "software"],
                ),
            ),
            helpful("operation", OPERATIONS),
        ],
        crafts: &["thinking as an attacker"],
        steps: &[
            "Draw what data go where, and who may see them.",
            "For each line of the drawing, write down what an attacker would try.",
            "Hold each against what your documents say of {0}.",
            "Rank what is left by harm and likelihood, and mend the first three.",
        ],
    },
    Archetype {
        kind: "algorithm_library",
        name: "a library",
        scope: Scope::Workspace,
        title: "A library for {0} in {1}",
        description: "One method, well named, with examples, honest about its limits and measured against what exists.",
        days: 12,
        needs: &[
            essential("algorithms", knowledge(&[Category::Algorithm], &["algorithm", "heuristic"])),
            essential("a programming language", LANGUAGE),
            helpful("testing", TESTING),
            helpful("judging results", knowledge(&[], &["benchmark", "evaluation", "complexity", "performance"])),
        ],
        crafts: &["documenting"],
        steps: &[
            "Write the example that you would want to find on its first page.",
            "Write {0} in the plainest way, and test it against results that are known.",
            "Measure, then make it fast where it matters.",
            "Let somebody use it who has not read the code.",
        ],
    },
];
