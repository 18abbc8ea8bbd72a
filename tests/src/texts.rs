//! Texts about a few subjects, for tests of what the system makes of them.

/// A subject: a name, phrases that belong to it, and a sentence pattern.
pub struct Subject {
    /// What it is about.
    pub name: &'static str,
    phrases: [&'static str; 10],
}

/// Subjects that have no words in common.
pub const SUBJECTS: [Subject; 3] = [
    Subject {
        name: "containers",
        phrases: [
            "container orchestration with Kubernetes",
            "a Docker image registry",
            "rolling deployments of pods",
            "the cluster scheduler",
            "Helm charts",
            "service discovery inside the mesh",
            "persistent volume claims",
            "container runtime isolation",
            "ingress controllers",
            "autoscaling of replicas",
        ],
    },
    Subject {
        name: "baking",
        phrases: [
            "sourdough starter hydration",
            "whole wheat flour",
            "the oven temperature",
            "bread crust caramelisation",
            "dough fermentation overnight",
            "butter and brown sugar",
            "a pinch of sea salt",
            "kneading the dough",
            "yeast activity",
            "the baking stone",
        ],
    },
    Subject {
        name: "astronomy",
        phrases: [
            "spiral galaxy rotation curves",
            "dark matter halos",
            "the radio telescope array",
            "neutron star mergers",
            "gravitational lensing",
            "stellar nucleosynthesis",
            "planetary nebula spectra",
            "cosmic microwave background",
            "exoplanet transit photometry",
            "supernova light curves",
        ],
    },
];

impl Subject {
    /// The title and text of its n-th document: every one has other phrases in another order.
    #[must_use]
    pub fn document(&self, n: usize) -> (String, String) {
        let phrase = |at: usize| self.phrases[(n * 7 + at * 3) % self.phrases.len()];
        let mut text = String::new();
        for at in 0..6 {
            text.push_str(&format!("We looked at {} and at {}. ", phrase(at), phrase(at + n + 1)));
        }
        (format!("Notes {n} on {}", phrase(0)), text)
    }
}
