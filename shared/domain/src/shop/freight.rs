//! Freight (运费): what sending costs.
//!
//! A product is sent free, for a flat fee, or by a template of the company. A template asks for a fee by
//! the region: one for the first pieces or the first weight, another for each further. All lines of an
//! order with one template are added up before it is asked. Of the flat fees of an order only the highest
//! counts, once.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::company::audit::AuditAction;
use crate::company::book::{BookRefusal, CompanyBook};
use crate::kernel::field::FieldError;
use crate::kernel::id::FreightTemplateId;
use crate::kernel::money::Fen;
use crate::kernel::string_enum::string_enum;
use crate::kernel::text::Line;
use crate::shop::province::Province;

/// Most templates of a company.
pub const FREIGHT_TEMPLATES_MAX: usize = 20;
/// Highest fee: 10,000 yuan.
pub const FEE_MAX: Fen = Fen(1_000_000);
/// Most pieces, or grams, of a step.
const STEP_MAX: u32 = 1_000_000;

/// How a product is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Freight {
    /// 包邮
    #[default]
    Free,
    /// For this fee, once in an order.
    Flat(Fen),
    /// By a template.
    Template(FreightTemplateId),
}

string_enum! {
    /// What a template counts.
    FreightMeasure, "unknown_measure", "计费方式只有 piece 和 weight" {
        /// 按件
        Piece = "piece",
        /// 按重量，单位克
        Weight = "weight",
    }
}

/// What sending costs by pieces or grams: `first_fee` for up to `first` of them, and `further_fee` for each
/// begun `further` more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FreightFee {
    /// Pieces or grams that the first fee covers.
    pub first: u32,
    /// Fee in fen for the first.
    pub first_fee: Fen,
    /// Pieces or grams of a further step.
    pub further: u32,
    /// Fee in fen for each further step.
    pub further_fee: Fen,
}

/// A fee that holds for some provinces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FreightZone {
    /// The provinces.
    pub provinces: BTreeSet<Province>,
    /// What sending there costs.
    pub fee: FreightFee,
}

/// A template of freight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreightTemplate {
    /// The name, once in a company.
    pub name: Line<20>,
    /// What it counts.
    pub measure: FreightMeasure,
    /// What sending costs where no zone says otherwise.
    pub fee: FreightFee,
    /// Provinces with a fee of their own.
    pub zones: Vec<FreightZone>,
    /// Provinces that nothing is sent to.
    pub excluded: BTreeSet<Province>,
    /// Sending is free when the lines with this template cost this much.
    pub free_from: Option<Fen>,
}

/// The templates of a company.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreightBook {
    templates: BTreeMap<FreightTemplateId, FreightTemplate>,
    version: u64,
}

/// A line of an order, as freight sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreightLine {
    /// How the product is sent.
    pub freight: Freight,
    /// Pieces.
    pub quantity: u32,
    /// Grams of one piece.
    pub weight_g: u32,
    /// What the line costs.
    pub amount: Fen,
}

/// Why the freight of an order cannot be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FreightError {
    /// A line is not sent to the province.
    #[error("nothing is sent there")]
    Excluded,
    /// The amounts are too large.
    #[error("the amounts are too large")]
    Overflow,
}

impl FreightFee {
    /// What `count` pieces or grams cost.
    fn of(self, count: u64) -> Option<Fen> {
        let beyond = count.saturating_sub(u64::from(self.first));
        let steps = i64::try_from(beyond.div_ceil(u64::from(self.further.max(1)))).ok()?;
        self.further_fee.0.checked_mul(steps).and_then(|fee| self.first_fee.checked_add(Fen(fee)))
    }

    fn is_allowed(self) -> bool {
        let is_fee = |fee: Fen| (Fen(0)..=FEE_MAX).contains(&fee);
        let is_step = |step: u32| (1..=STEP_MAX).contains(&step);
        is_step(self.first) && is_step(self.further) && is_fee(self.first_fee) && is_fee(self.further_fee)
    }
}

impl FreightTemplate {
    /// Checks fees and zones.
    ///
    /// # Errors
    /// The first wrong field with its place.
    pub fn check(&self) -> Result<(), FieldError> {
        let fee = |at| Err(FieldError::new("out_of_range", "件数或克数为 1 到 1000000，运费为 0 到 10000 元").at(at));
        if !self.fee.is_allowed() {
            return fee("/fee");
        }
        let mut known = self.excluded.clone();
        for zone in &self.zones {
            if !zone.fee.is_allowed() {
                return fee("/zones");
            }
            if zone.provinces.is_empty() {
                return Err(FieldError::new("required", "请为每个地区选择省份").at("/zones"));
            }
            if zone.provinces.iter().any(|province| !known.insert(*province)) {
                return Err(FieldError::new("duplicate", "同一省份只能出现一次").at("/zones"));
            }
        }
        match self.free_from {
            Some(from) if from.0 <= 0 => Err(FieldError::new("out_of_range", "包邮金额应大于 0").at("/free_from")),
            _ => Ok(()),
        }
    }

    fn fee_in(&self, province: Province) -> Result<FreightFee, FreightError> {
        if self.excluded.contains(&province) {
            return Err(FreightError::Excluded);
        }
        let zone = self.zones.iter().find(|zone| zone.provinces.contains(&province));
        Ok(zone.map_or(self.fee, |zone| zone.fee))
    }

    /// What sending `lines`, which have this template, costs.
    fn cost(&self, lines: &[FreightLine], province: Province) -> Result<Fen, FreightError> {
        let fee = self.fee_in(province)?;
        let amount = lines.iter().try_fold(Fen(0), |sum, line| sum.checked_add(line.amount));
        let amount = amount.ok_or(FreightError::Overflow)?;
        if self.free_from.is_some_and(|from| amount >= from) {
            return Ok(Fen(0));
        }
        let count = |line: &FreightLine| match self.measure {
            FreightMeasure::Piece => u64::from(line.quantity),
            FreightMeasure::Weight => u64::from(line.quantity) * u64::from(line.weight_g),
        };
        let count = lines.iter().try_fold(0u64, |sum, line| sum.checked_add(count(line)));
        count.and_then(|count| fee.of(count)).ok_or(FreightError::Overflow)
    }
}

impl CompanyBook for FreightBook {
    type Id = FreightTemplateId;
    type Entry = FreightTemplate;

    const AUDIT: AuditAction = AuditAction::FreightTemplates;

    fn version(&self) -> u64 {
        self.version
    }

    fn entry(&self, id: FreightTemplateId) -> Option<&FreightTemplate> {
        self.templates.get(&id)
    }

    fn add(&self, id: FreightTemplateId, template: FreightTemplate) -> Result<Self, BookRefusal> {
        if self.templates.len() >= FREIGHT_TEMPLATES_MAX {
            return Err(BookRefusal::Limit("运费模板数量已达上限：最多 20 个"));
        }
        self.with(id, Some(template))
    }
}

impl FreightBook {
    /// Every template, the first made first.
    pub fn iter(&self) -> impl Iterator<Item = (FreightTemplateId, &FreightTemplate)> {
        self.templates.iter().map(|(id, template)| (*id, template))
    }

    /// The book with a template as it shall be.
    ///
    /// # Errors
    /// [`BookRefusal::Unknown`], [`BookRefusal::NameTaken`] or [`BookRefusal::Field`].
    pub fn change(&self, id: FreightTemplateId, template: FreightTemplate) -> Result<Self, BookRefusal> {
        let before = self.templates.get(&id).ok_or(BookRefusal::Unknown)?;
        if *before == template { Ok(self.clone()) } else { self.with(id, Some(template)) }
    }

    /// The book without a template.
    ///
    /// # Errors
    /// [`BookRefusal::Unknown`].
    pub fn remove(&self, id: FreightTemplateId) -> Result<Self, BookRefusal> {
        self.templates.get(&id).ok_or(BookRefusal::Unknown)?;
        self.with(id, None)
    }

    fn with(&self, id: FreightTemplateId, template: Option<FreightTemplate>) -> Result<Self, BookRefusal> {
        let mut book = Self { version: self.version + 1, ..self.clone() };
        match template {
            Some(template) => {
                template.check().map_err(BookRefusal::Field)?;
                if self.templates.iter().any(|(other, known)| *other != id && known.name == template.name) {
                    return Err(BookRefusal::NameTaken("已有同名运费模板"));
                }
                book.templates.insert(id, template)
            }
            None => book.templates.remove(&id),
        };
        Ok(book)
    }

    /// What sending an order to a province costs. A template that was deleted asks for nothing.
    ///
    /// # Errors
    /// [`FreightError`].
    pub fn cost(&self, lines: &[FreightLine], province: Province) -> Result<Fen, FreightError> {
        let mut by_template: BTreeMap<FreightTemplateId, Vec<FreightLine>> = BTreeMap::new();
        let mut flat = Fen(0);
        for line in lines {
            match line.freight {
                Freight::Free => {}
                Freight::Flat(fee) => flat = flat.max(fee),
                Freight::Template(id) => by_template.entry(id).or_default().push(*line),
            }
        }
        by_template.iter().try_fold(flat, |sum, (id, lines)| {
            let cost = self.templates.get(id).map_or(Ok(Fen(0)), |template| template.cost(lines, province))?;
            sum.checked_add(cost).ok_or(FreightError::Overflow)
        })
    }
}

#[cfg(test)]
#[path = "freight_tests.rs"]
mod tests;
