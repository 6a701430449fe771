//! What a command line says about consent, read and checked before a machine is started.

use crate::failure::Failure;
use crate::session::Consent;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use sundog_consent_core::names::escaped;
use sundog_consent_core::policy::{self, Policy};
use sundog_manifest::host::System;
use sundog_options::{Decision, Plan};
use sundog_protocols::control::Part;

/// The texts for the machine; a failure names each mistake of the policy file or the option.
pub fn read(plan: &Plan) -> Result<Consent, Failure> {
    let mut consent = Consent::default();
    if let Some(path) = &plan.policy {
        let path = Path::new(OsStr::from_bytes(path));
        let name = escaped(&path.to_string_lossy());
        let text = fs::read_to_string(path)
            .map_err(|error| Failure::system(format!("--policy: cannot read {name}"), error))?;
        if let Err(mistakes) = Policy::parse(&[(&name, &text)]) {
            let lines: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
            return Err(Failure::new(lines.join("\n")));
        }
        consent.texts.push((Part::Policy, name, text));
    }
    for rule in &plan.rules {
        let resource = String::from_utf8_lossy(&rule.resource);
        let (part, spec) = match rule.decision {
            Decision::Once => (Part::Allow, format!("{resource}=once")),
            Decision::Run => (Part::Allow, format!("{resource}=run")),
            Decision::Always => (Part::Allow, format!("{resource}=always")),
            Decision::Deny => (Part::Deny, resource.into_owned()),
        };
        let checked = if part == Part::Allow {
            policy::allow(&spec)
        } else {
            policy::deny(&spec)
        };
        checked.map_err(|mistake| Failure::new(mistake.to_string()))?;
        consent.always |= rule.decision == Decision::Always;
        consent.texts.push((part, String::new(), spec));
    }
    Ok(consent)
}

/// Lines about `--allow` for devices that the system does not have.
pub fn without_device(plan: &Plan, system: &System) -> Vec<String> {
    let there = super::explain::handed_out(system);
    let names: Vec<_> = there
        .iter()
        .map(|(class, instance)| format!("{class}{instance}"))
        .collect();
    let mut lines = Vec::new();
    for given in plan
        .rules
        .iter()
        .filter(|rule| rule.decision != Decision::Deny)
    {
        let device = String::from_utf8_lossy(&given.resource);
        let Ok(rule) = policy::allow(&device) else {
            continue;
        };
        let is_meant = |(class, instance): &(&str, &str)| {
            rule.resource
                .is_none_or(|resource| resource.name() == *class)
                && rule.instance.as_ref().is_none_or(|meant| meant == instance)
        };
        if !there.iter().any(is_meant) {
            lines.push(format!(
                "--allow {}: this run has no such device, only {}",
                escaped(&device),
                names.join(", ")
            ));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Folder;
    use crate::{image, images};
    use std::path::PathBuf;
    use sundog_options::Rule;

    fn rule(resource: &str, decision: Decision) -> Rule {
        Rule {
            resource: resource.into(),
            decision,
        }
    }

    #[test]
    fn options_and_policy_become_texts() {
        let folder = Folder::new().unwrap();
        let path = folder.file("policy");
        fs::write(&path, "serial +1 * deny\n").unwrap();
        let plan = Plan {
            policy: Some(path.as_os_str().as_bytes().to_vec()),
            rules: vec![
                rule("serial1", Decision::Always),
                rule("camera", Decision::Deny),
            ],
            ..Plan::default()
        };
        let consent = read(&plan).unwrap();
        assert!(consent.always);
        let texts: Vec<_> = consent
            .texts
            .iter()
            .map(|(part, _, text)| (*part, &**text))
            .collect();
        let expected = [
            (Part::Policy, "serial +1 * deny\n"),
            (Part::Allow, "serial1=always"),
            (Part::Deny, "camera"),
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn a_device_that_is_not_there_is_told() {
        let manifest = images::manifest(images::SYSTEM);
        let image = image::Plan::read(&manifest, &|_| Ok(PathBuf::new())).unwrap();
        let mut plan = Plan {
            rules: vec![
                rule("serial1", Decision::Run),
                rule("serial", Decision::Once),
                rule("camera", Decision::Deny),
            ],
            ..Plan::default()
        };
        assert!(without_device(&plan, &image.system).is_empty());
        plan.rules.push(rule("serial9", Decision::Run));
        plan.rules.push(rule("camera", Decision::Always));
        assert_eq!(
            without_device(&plan, &image.system),
            [
                "--allow serial9: this run has no such device, only serial1",
                "--allow camera: this run has no such device, only serial1"
            ]
        );
    }

    #[test]
    fn mistakes_are_told_before_anything_starts() {
        let folder = Folder::new().unwrap();
        let path = folder.file("policy");
        fs::write(&path, "serial * * allow\nnonsense\n").unwrap();
        let mut plan = Plan {
            policy: Some(path.as_os_str().as_bytes().to_vec()),
            ..Plan::default()
        };
        let failure = read(&plan).unwrap_err();
        assert!(failure.text().contains("policy:2:"), "{failure}");
        plan.policy = None;
        plan.rules = vec![rule("serail1", Decision::Run)];
        assert!(read(&plan).unwrap_err().text().contains("serail"));
    }
}
