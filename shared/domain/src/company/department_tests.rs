use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::kernel::id::Id;

fn id(n: u128) -> DepartmentId {
    DepartmentId::from_uuid(Uuid::from_u128(n))
}

fn department(name: &str, parent: Option<u128>) -> Department {
    Department { name: DepartmentName::parse(name).unwrap(), parent: parent.map(id) }
}

/// 1 华东 > 2 上海 > 3 销售, and 4 华北.
fn tree() -> DepartmentTree {
    let mut tree = DepartmentTree::default();
    for (n, name, parent) in [(1, "华东", None), (2, "上海", Some(1)), (3, "销售", Some(2)), (4, "华北", None)]
    {
        tree = tree.add(id(n), department(name, parent)).unwrap();
    }
    tree
}

#[test]
fn a_name_is_once_among_siblings_and_free_elsewhere() {
    let tree = tree();
    assert_eq!(tree.add(id(9), department("上海", Some(1))), Err(DepartmentError::NameTaken));
    assert_eq!(tree.change(id(4), department("华东", None)), Err(DepartmentError::NameTaken));
    assert!(tree.add(id(9), department("上海", Some(4))).is_ok());
    assert_eq!(tree.change(id(4), department("华北", None)), Ok(tree.clone()), "the same again changes nothing");
    assert_eq!(tree.version, 4);
}

#[test]
fn a_department_is_not_moved_below_itself_nor_too_deep() {
    let tree = tree();
    for below in [1, 2, 3] {
        assert_eq!(tree.change(id(1), department("华东", Some(below))), Err(DepartmentError::BelowItself));
    }
    assert_eq!(tree.change(id(1), department("华东", Some(7))), Err(DepartmentError::UnknownParent));
    assert_eq!(tree.change(id(7), department("华东", None)), Err(DepartmentError::Unknown));
    let deep = tree.change(id(1), department("华东", Some(4))).unwrap();
    let five = deep.add(id(5), department("一组", Some(3))).unwrap();
    assert_eq!(five.add(id(6), department("二组", Some(5))), Err(DepartmentError::TooDeep));
    let other = five.add(id(8), department("华南", None)).unwrap();
    assert_eq!(
        other.change(id(4), department("华北", Some(8))),
        Err(DepartmentError::TooDeep),
        "what is below goes along"
    );
}

#[test]
fn what_happens_counts_for_a_department_and_all_above_it() {
    let tree = tree();
    let path = |tree: &DepartmentTree, n| tree.path_of(Some(id(n))).iter().collect::<Vec<_>>();
    assert_eq!(path(&tree, 3), [id(3), id(2), id(1)]);
    assert!(tree.path_of(None).is_empty() && tree.path_of(Some(id(7))).is_empty());
    let removed = tree.remove(id(3)).unwrap();
    assert_eq!(path(&removed, 3), [id(2), id(1)], "its members count to the one above");
    assert_eq!([3, 2, 7].map(|n| removed.has_known(id(n))), [true, true, false]);
    let moved = tree.change(id(2), department("上海", Some(4))).unwrap();
    assert_eq!(path(&moved, 3), [id(3), id(2), id(4)]);
}

#[test]
fn the_members_of_a_removed_department_count_to_the_nearest_living_one() {
    let tree = tree();
    assert_eq!(tree.remove(id(2)), Err(DepartmentError::NotEmpty));
    assert_eq!(tree.remove(id(7)), Err(DepartmentError::Unknown));
    let tree = tree.remove(id(3)).unwrap();
    assert_eq!((tree.living(id(3)), tree.living(id(2)), tree.living(id(7))), (Some(id(2)), Some(id(2)), None));
    let tree = tree.remove(id(2)).unwrap();
    assert_eq!((tree.living(id(3)), tree.living(id(2))), (Some(id(1)), Some(id(1))));
    assert_eq!(tree.below(id(1)).unwrap(), BTreeSet::from([id(1), id(2), id(3)]));
    assert_eq!((tree.below(id(2)), tree.below(id(7))), (None, None));
    let tree = tree.remove(id(1)).unwrap();
    assert_eq!((tree.living(id(3)), tree.living(id(1))), (None, None));
    assert_eq!(tree.remove(id(3)), Ok(tree.clone()), "removing again changes nothing");
}

#[test]
fn there_are_limits_on_departments_and_on_removed_ones() {
    let mut tree = DepartmentTree::default();
    for n in 0..DEPARTMENTS_MAX as u128 {
        tree = tree.add(id(n), department(&format!("部门{n}"), None)).unwrap();
    }
    assert_eq!(tree.add(id(999), department("多余", None)), Err(DepartmentError::Limit));
    let mut tree = DepartmentTree::default();
    for n in 0..=REMOVED_MAX as u128 {
        tree = tree.add(id(n), department("临时", None)).unwrap();
        let removed = tree.remove(id(n));
        assert_eq!(removed.is_err(), n == REMOVED_MAX as u128);
        tree = removed.unwrap_or(tree);
    }
    assert_eq!(tree.remove(id(REMOVED_MAX as u128)), Err(DepartmentError::Limit));
}

#[derive(Debug, Clone)]
enum DepartmentEdit {
    Add(u128, Option<u128>, u8),
    Change(u128, Option<u128>, u8),
    Remove(u128),
}

fn act() -> impl Strategy<Value = DepartmentEdit> {
    let parent = || proptest::option::of(0u128..12);
    prop_oneof![
        3 => (0u128..12, parent(), 0u8..4).prop_map(|(n, parent, name)| DepartmentEdit::Add(n, parent, name)),
        3 => (0u128..12, parent(), 0u8..4).prop_map(|(n, parent, name)| DepartmentEdit::Change(n, parent, name)),
        1 => (0u128..12).prop_map(DepartmentEdit::Remove),
    ]
}

/// That the tree is one: every path ends at the top within the depth, siblings differ,
/// and what was removed leads to something living or to nothing.
fn check(tree: &DepartmentTree) {
    let mut names = BTreeSet::new();
    for (id, department) in tree.iter() {
        let mut depth = 1;
        let mut at = department.parent;
        while let Some(parent) = at {
            depth += 1;
            assert!(depth <= DEPTH_MAX, "{id} is too deep, or in a circle");
            at = tree.get(parent).expect("no orphan").parent;
        }
        assert!(names.insert((department.parent, department.name.as_str())), "{id} has a sibling of its name");
        assert!(tree.below(id).unwrap().contains(&id));
    }
    for heir in tree.removed.values().flatten() {
        assert!(tree.get(*heir).is_some(), "an heir that is not there");
    }
}

proptest! {
    #[test]
    fn whatever_is_done_it_stays_a_tree(acts in proptest::collection::vec(act(), 0..120)) {
        let mut tree = DepartmentTree::default();
        let mut made = 0u128;
        // Ids are never used again: a number names the latest department made under it.
        let mut known = std::collections::BTreeMap::new();
        for act in acts {
            let of = |n: u128, known: &std::collections::BTreeMap<u128, u128>| known.get(&n).copied().unwrap_or(900 + n);
            let named = |name, parent: Option<u128>| department(&format!("部{name}"), parent);
            let before = tree.clone();
            let after = match act {
                DepartmentEdit::Add(n, parent, name) => {
                    made += 1;
                    known.insert(n, made);
                    tree.add(id(made), named(name, parent.map(|parent| of(parent, &known))))
                }
                DepartmentEdit::Change(n, parent, name) => {
                    tree.change(id(of(n, &known)), named(name, parent.map(|parent| of(parent, &known))))
                }
                DepartmentEdit::Remove(n) => tree.remove(id(of(n, &known))),
            };
            tree = after.unwrap_or(tree);
            check(&tree);
            prop_assert_eq!(tree.version - before.version, u64::from(tree != before));
            // A member who was somewhere is still at the same place or above it.
            for (id, _) in before.iter() {
                let now = tree.living(id);
                prop_assert!(now == Some(id) || before.path(id).any(|above| Some(above) == now) || now.is_none());
            }
            let json = serde_json::to_string(&tree).unwrap();
            prop_assert_eq!(serde_json::from_str::<DepartmentTree>(&json).unwrap(), tree.clone());
        }
    }
}
