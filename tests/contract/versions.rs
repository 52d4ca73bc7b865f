//! Versions on DynamoDB Local: a writer who read nothing overwrites nothing, not even an item that
//! has lost its version.

use domain::card::template::CardTemplate;
use domain::company::department::DepartmentTree;
use domain::crm::identities::Customer;
use domain::kernel::failure::Failure;
use domain::people::activation::Activation;
use store::KEY_ATTRIBUTES;
use testkit::world::World;

async fn lose_version(world: &World, kind: &str) {
    let items = world.dynamodb.scan().table_name(&world.table).send().await.unwrap().items.unwrap();
    let of_kind = items.into_iter().filter(|item| item.get("type").is_some_and(|name| name.as_s().unwrap() == kind));
    let mut keys: Vec<_> = of_kind.collect();
    assert!(!keys.is_empty(), "there is a {kind}");
    for key in &mut keys {
        key.retain(|name, _| KEY_ATTRIBUTES.contains(&name.as_str()));
        let update = world.dynamodb.update_item().table_name(&world.table).set_key(Some(key.clone()));
        update.update_expression("REMOVE version").send().await.unwrap();
    }
}

#[tokio::test]
async fn what_was_never_written_does_not_replace_what_has_no_version() {
    let world = World::new().await;
    let (store, company, person) = (&world.store, world.company, world.fresh_person());
    let (customer, activation) = (Customer::default(), Activation::none(world.staff["lin"].member));
    let (mut tree, template) = (DepartmentTree::default(), CardTemplate::default());
    tree.version = 1;
    let (activation, template) = (Activation { version: 1, ..activation }, CardTemplate { version: 1, ..template });
    let write = async |kind| match kind {
        "customer" => store.repair_customer(company, person, &customer).await,
        "activation" => store.change_activation(company, &activation, &[], world.clock.now()).await,
        "departments" => store.change_departments(company, &tree, &world.entry()).await,
        _ => store.edit_card_template(company, &template, &world.entry()).await,
    };
    for kind in ["customer", "activation", "departments", "card_template"] {
        write(kind).await.unwrap();
        lose_version(&world, kind).await;
        let again = write(kind).await;
        assert!(matches!(again, Err(Failure::Busy | Failure::VersionConflict)), "{kind}: {again:?}");
    }
}
