//! What the two sides agreed on: policy and classification.

use super::{Case, RuleResult};

/// R01: the policy is signed, in force and for this pair and purpose.
pub(super) fn policy(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R01", "policy");
    let (policy, statement, request) = (case.policy, case.statement, case.request);
    let now = request.clocks[0];
    result.saw("schema, signature, dates, sender, receiver and purpose of policy and statement");
    result.deny_if(!policy.has_known_schema(), "unknown_schema", "policy");
    result.deny_if(!statement.has_known_schema(), "unknown_schema", "statement");
    let signed = request.policy_keys.iter().any(|key| key.verify(&request.policy.bytes, request.policy_signature).is_some());
    result.deny_if(!signed, "not_signed", "policy");
    result.deny_if(now < policy.valid_from || now >= policy.valid_until, "not_in_force", "policy");
    result.deny_if(statement.sender != policy.sender, "sender_not_listed", "statement");
    result.deny_if(!policy.receivers.contains(&statement.receiver), "receiver_not_listed", "statement");
    result.deny_if(!policy.purposes.contains(&statement.purpose), "purpose_not_listed", "statement");
    let names =
        std::iter::once(&statement.release_id).chain(&statement.supersedes).chain(statement.files.iter().flat_map(|f| [&f.grid]));
    result.deny_if(!names.into_iter().all(|n| super::super::is_plain_name(n)), "not_a_plain_name", "statement");
    result
}

/// R02: a person says that both sides' schemes leave the data free.
pub(super) fn classification(case: &Case<'_>) -> RuleResult {
    let mut result = RuleResult::new("R02", "classification");
    result.saw("both labels of the statement");
    result.deny_if(case.statement.classification_gc != "Unclassified", "label_of_canada", "statement");
    result.deny_if(case.statement.classification_eu != "public", "label_of_the_union", "statement");
    result
}
