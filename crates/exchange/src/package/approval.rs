//! Approvals: a person's signature under the digest of the gate's report, good for a while.

use crate::canonical::{from_bytes, to_bytes};
use crate::instant::Instant;
use crate::keys::{PublicKey, SecretKey};
use crate::policy::Approvals;
use crate::{ExchangeError, canonical};
use serde::{Deserialize, Serialize};

/// In which role someone approves; a release needs both, by different keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Answers for the data.
    DataOwner,
    /// Answers for the release.
    ReleaseOfficer,
}

impl Role {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::DataOwner => "data-owner",
            Self::ReleaseOfficer => "release-officer",
        }
    }
}

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// `knarr-approval-1`.
    pub schema: String,
    /// The release.
    pub release_id: String,
    /// Digest of the gate's report.
    pub report_sha256: String,
    /// The role.
    pub role: Role,
    /// When.
    pub approved: Instant,
    /// Until when.
    pub expires: Instant,
}

/// An approval with its signature file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedApproval {
    /// Canonical JSON of the [`Approval`].
    pub statement: Vec<u8>,
    /// Signature file over it.
    pub signature: Vec<u8>,
}

const SCHEMA: &str = "knarr-approval-1";

/// Approves a report.
///
/// # Errors
/// None in practice: an approval has a canonical form.
pub fn approve(
    report: &[u8],
    release_id: &str,
    role: Role,
    approved: Instant,
    hours: u32,
    key: &SecretKey,
) -> Result<SignedApproval, ExchangeError> {
    let approval = Approval {
        schema: SCHEMA.to_owned(),
        release_id: release_id.to_owned(),
        report_sha256: canonical::sha256(report),
        role,
        approved,
        expires: approved.plus_hours(hours),
    };
    let statement = to_bytes(&approval, "an approval")?;
    let signature = key.sign(&statement, &format!("approval {} by {}", release_id, role.word())).into_bytes();
    Ok(SignedApproval { statement, signature })
}

/// When the last of the approvals was given.
pub(super) fn last(approvals: &[SignedApproval]) -> Option<Instant> {
    let read = |signed: &SignedApproval| serde_json::from_slice::<Approval>(&signed.statement).ok();
    approvals.iter().filter_map(read).map(|a| a.approved).max()
}

/// Codes of what is wrong with the approvals of a release, judged at the moment `at`.
pub(super) fn problems(
    approvals: &[SignedApproval],
    release_id: &str,
    report_sha256: &str,
    at: Instant,
    rule: &Approvals,
) -> Vec<&'static str> {
    let mut problems = Vec::new();
    let mut signers: Vec<(Role, PublicKey)> = Vec::new();
    for signed in approvals {
        match judge(signed, release_id, report_sha256, at, rule) {
            Ok(signer) => signers.push(signer),
            Err(code) => problems.push(code),
        }
    }
    for role in [Role::DataOwner, Role::ReleaseOfficer] {
        if !signers.iter().any(|s| s.0 == role) {
            problems.push(match role {
                Role::DataOwner => "no_data_owner",
                Role::ReleaseOfficer => "no_release_officer",
            });
        }
    }
    let twice = signers.iter().enumerate().any(|(at, a)| signers[..at].iter().any(|b| a.1 == b.1));
    if twice {
        problems.push("one_key_twice");
    }
    problems
}

fn judge(
    signed: &SignedApproval,
    release_id: &str,
    report_sha256: &str,
    at: Instant,
    rule: &Approvals,
) -> Result<(Role, PublicKey), &'static str> {
    let value = from_bytes(&signed.statement).ok_or("approval_unreadable")?;
    let approval: Approval = serde_json::from_value(value).map_err(|_| "approval_unreadable")?;
    let listed = match approval.role {
        Role::DataOwner => &rule.data_owners,
        Role::ReleaseOfficer => &rule.release_officers,
    };
    let keys = listed.iter().filter_map(|line| PublicKey::from_base64(line));
    let signer =
        keys.into_iter().find(|key| key.verify(&signed.statement, &signed.signature).is_some()).ok_or("approval_not_signed")?;
    if approval.schema != SCHEMA || approval.release_id != release_id || approval.report_sha256 != report_sha256 {
        return Err("approval_of_something_else");
    }
    if at < approval.approved {
        return Err("approval_from_the_future");
    }
    if at >= approval.expires || approval.expires > approval.approved.plus_hours(rule.max_hours) {
        return Err("approval_expired");
    }
    Ok((approval.role, signer))
}
