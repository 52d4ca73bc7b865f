//! `/v1/departments`, and `PUT /v1/members/{member_id}/department`.

use app::people::member;
use axum::Json;
use axum::extract::State;
use domain::company::audit::AuditAction;
use domain::company::department::{Department, DepartmentError, DepartmentName, DepartmentTree};
use domain::kernel::failure::Failure;
use domain::kernel::field::FieldError;
use domain::kernel::id::{DepartmentId, MemberId};
use edge::auth::{Admin, Staff};
use edge::body::Body;
use edge::idempotency::IdempotentRequest;
use edge::openapi::IdempotencyKey;
use edge::path::PathId;
use edge::problem::{Code, FieldProblem, Problem};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::DepartmentAdded;
use utoipa::ToSchema;

use crate::App;
use crate::people::member::{MemberDetail, head};

/// A department to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDepartment {
    /// The name. It must be different from the names of its siblings.
    name: DepartmentName,
    /// The department above. `null` for the top level. At most five levels.
    parent_id: Option<DepartmentId>,
}

/// The name and place of a department. Both are replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DepartmentUpdate {
    /// The name. It must be different from the names of its siblings.
    name: DepartmentName,
    /// The department above. `null` for the top level.
    parent_id: Option<DepartmentId>,
    /// The version of the tree that was edited.
    version: u64,
}

/// The department of a member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberDepartmentUpdate {
    /// The department. `null` for none.
    department_id: Option<DepartmentId>,
}

/// A department.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DepartmentBody {
    /// The id.
    id: DepartmentId,
    /// The name.
    name: DepartmentName,
    /// The department above. `null` for the top level.
    parent_id: Option<DepartmentId>,
}

/// A new department.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DepartmentCreated {
    #[serde(flatten)]
    department: DepartmentBody,
    /// The version of the tree that has the new department.
    version: u64,
}

/// All departments of a company.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Departments {
    /// The version of the tree, 0 before the first change. It grows with each change of any
    /// department.
    version: u64,
    /// The departments, at most 200, the first created first.
    items: Vec<DepartmentBody>,
}

impl DepartmentBody {
    fn new(id: DepartmentId, department: &Department) -> Self {
        Self { id, name: department.name.clone(), parent_id: department.parent }
    }
}

impl From<DepartmentTree> for Departments {
    fn from(tree: DepartmentTree) -> Self {
        let items = tree.iter().map(|(id, department)| DepartmentBody::new(id, department)).collect();
        Self { version: tree.version, items }
    }
}

/// List the departments
///
/// Returns all departments of the company and the version of the tree. Callers: members.
/// Idempotent. Errors: 403 `role_required` for visitors.
#[utoipa::path(get, path = "/v1/departments", tag = "organization", responses((status = 200, body = Departments)))]
pub(crate) async fn list_departments(State(app): State<App>, member: Staff) -> Result<Json<Departments>, Problem> {
    Ok(Json(app.store.departments(member.company()).await?.into()))
}

/// Create a department
///
/// Adds a department to the tree. Callers: admins and the boss. Idempotent by `Idempotency-Key`.
/// Errors: 403 `role_required` for other callers; 404 `not_found` for an unknown `parent_id`; 409
/// `department_limit` when the tree is full; 422 `invalid` when a sibling has the name or the tree
/// would be more than five levels deep.
#[utoipa::path(post, path = "/v1/departments", tag = "organization",
    request_body = NewDepartment, params(IdempotencyKey), responses((status = 201, body = DepartmentCreated)))]
pub(crate) async fn create_department(
    State(app): State<App>,
    admin: Admin,
    once: IdempotentRequest<NewDepartment>,
) -> Result<(StatusCode, Json<DepartmentCreated>), Problem> {
    let (new, request) = once.of(&admin);
    let (flow, by) = (app.flow(), admin.audit_actor());
    let (tree, before) = app.store.departments_for(admin.company(), &request, flow.now).await?;
    let added = match before {
        Some(before) => before,
        None => {
            let (id, department) = (flow.new_id()?, Department { name: new.name, parent: new.parent_id });
            let after = tree.add(id, department.clone()).map_err(department_problem)?;
            let audit = flow.audit_change(by, AuditAction::DepartmentAdded, id, None, Some(&department))?;
            let added = DepartmentAdded { id, department, version: after.version };
            app.store.add_department(admin.company(), &after, added, &audit, &request).await?
        }
    };
    let department = DepartmentBody::new(added.id, &added.department);
    Ok((StatusCode::CREATED, Json(DepartmentCreated { department, version: added.version })))
}

/// Rename or move a department
///
/// Replaces the name and the parent of a department. The departments below it move with it.
/// Callers: admins and the boss. Idempotent: an edit that is already stored succeeds again. Errors:
/// 403 `role_required` for other callers; 404 `not_found` for an unknown `parent_id`; 409
/// `version_conflict` when somebody else changed any department since `version` was read; 422
/// `invalid` when a sibling has the name, the tree would be more than five levels deep, or the
/// parent is below the department.
#[utoipa::path(put, path = "/v1/departments/{department_id}", tag = "organization", request_body = DepartmentUpdate,
    responses((status = 200, body = Departments)))]
pub(crate) async fn update_department(
    State(app): State<App>,
    admin: Admin,
    PathId(id): PathId<DepartmentId>,
    Body(update): Body<DepartmentUpdate>,
) -> Result<Json<Departments>, Problem> {
    let tree = app.store.departments(admin.company()).await?;
    let before = tree.get(id).ok_or(Failure::NotFound)?;
    let department = Department { name: update.name, parent: update.parent_id };
    if *before == department {
        return Ok(Json(tree.into()));
    }
    if tree.version != update.version {
        return Err(Problem::of(Code::VersionConflict));
    }
    let after = tree.change(id, department.clone()).map_err(department_problem)?;
    let (by, action) = (admin.audit_actor(), AuditAction::DepartmentChanged);
    let audit = app.flow().audit_change(by, action, id, Some(before), Some(&department))?;
    app.store.change_departments(admin.company(), &after, &audit).await?;
    Ok(Json(after.into()))
}

/// Delete a department
///
/// Deletes a department that has no department below it. Its members then belong to its parent.
/// Callers: admins and the boss. Idempotent. Errors: 403 `role_required` for other callers; 409
/// `department_not_empty` when it has departments below it; 409 `department_limit` when too many
/// departments have been deleted; 409 `version_conflict` when the tree was changed at the same
/// moment.
#[utoipa::path(delete, path = "/v1/departments/{department_id}", tag = "organization",
    responses((status = 200, body = Departments)))]
pub(crate) async fn delete_department(
    State(app): State<App>,
    admin: Admin,
    PathId(id): PathId<DepartmentId>,
) -> Result<Json<Departments>, Problem> {
    let tree = app.store.departments(admin.company()).await?;
    let after = tree.remove(id).map_err(department_problem)?;
    if after != tree {
        let (by, action) = (admin.audit_actor(), AuditAction::DepartmentRemoved);
        let audit = app.flow().audit_change(by, action, id, tree.get(id), None)?;
        app.store.change_departments(admin.company(), &after, &audit).await?;
    }
    Ok(Json(after.into()))
}

/// Set the department of a member
///
/// Puts a member into a department, or into none. The status of the member does not matter. Admins
/// put staff and themselves; the boss puts everybody. Callers: admins and the boss. Idempotent.
/// Errors: 403 `role_required` for other callers, and for an admin, if the member is another admin
/// or the boss; 404 `not_found` for an unknown `department_id`; 409 `request_in_progress` when the
/// member was changed at the same moment.
#[utoipa::path(put, path = "/v1/members/{member_id}/department", tag = "organization",
    request_body = MemberDepartmentUpdate, responses((status = 200, body = MemberDetail)))]
pub(crate) async fn update_member_department(
    State(app): State<App>,
    admin: Admin,
    PathId(id): PathId<MemberId>,
    Body(MemberDepartmentUpdate { department_id: to }): Body<MemberDepartmentUpdate>,
) -> Result<Json<MemberDetail>, Problem> {
    let (after, tree) = member::place(&app.flow(), admin.company(), head(admin), id, to).await?;
    Ok(Json(MemberDetail::new(after, &tree)))
}

fn absent(pointer: &'static str) -> Problem {
    let error = FieldError::new("unknown_department", "部门不存在").at(pointer);
    Problem::of(Code::NotFound).with_errors(vec![FieldProblem::new("", &error)])
}

fn department_problem(refusal: DepartmentError) -> Problem {
    let field = |pointer, code, detail: &str| Problem::field("", &FieldError::new(code, detail).at(pointer));
    match refusal {
        DepartmentError::Unknown => Problem::of(Code::NotFound),
        DepartmentError::UnknownParent => absent("/parent_id"),
        DepartmentError::NameTaken => field("/name", "duplicate", "同级部门中已有此名称"),
        DepartmentError::TooDeep => field("/parent_id", "too_deep", "部门最多五级"),
        DepartmentError::BelowItself => field("/parent_id", "not_allowed", "不能移到自己或自己的下级部门"),
        DepartmentError::NotEmpty => Problem::of(Code::DepartmentNotEmpty),
        DepartmentError::Limit => Problem::of(Code::DepartmentLimit),
    }
}
