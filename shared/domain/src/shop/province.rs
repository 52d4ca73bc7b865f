//! Provinces (省级行政区), by the first two digits of GB/T 2260.

use crate::kernel::string_enum::string_enum;

string_enum! {
    /// A province, municipality, autonomous or special administrative region.
    Province, "unknown_province", "省级行政区代码应为 GB/T 2260 的前两位，例如 44" {
        /// 北京市
        Beijing = "11",
        /// 天津市
        Tianjin = "12",
        /// 河北省
        Hebei = "13",
        /// 山西省
        Shanxi = "14",
        /// 内蒙古自治区
        InnerMongolia = "15",
        /// 辽宁省
        Liaoning = "21",
        /// 吉林省
        Jilin = "22",
        /// 黑龙江省
        Heilongjiang = "23",
        /// 上海市
        Shanghai = "31",
        /// 江苏省
        Jiangsu = "32",
        /// 浙江省
        Zhejiang = "33",
        /// 安徽省
        Anhui = "34",
        /// 福建省
        Fujian = "35",
        /// 江西省
        Jiangxi = "36",
        /// 山东省
        Shandong = "37",
        /// 河南省
        Henan = "41",
        /// 湖北省
        Hubei = "42",
        /// 湖南省
        Hunan = "43",
        /// 广东省
        Guangdong = "44",
        /// 广西壮族自治区
        Guangxi = "45",
        /// 海南省
        Hainan = "46",
        /// 重庆市
        Chongqing = "50",
        /// 四川省
        Sichuan = "51",
        /// 贵州省
        Guizhou = "52",
        /// 云南省
        Yunnan = "53",
        /// 西藏自治区
        Tibet = "54",
        /// 陕西省
        Shaanxi = "61",
        /// 甘肃省
        Gansu = "62",
        /// 青海省
        Qinghai = "63",
        /// 宁夏回族自治区
        Ningxia = "64",
        /// 新疆维吾尔自治区
        Xinjiang = "65",
        /// 台湾省
        Taiwan = "71",
        /// 香港特别行政区
        HongKong = "81",
        /// 澳门特别行政区
        Macao = "82",
    }
}

/// The first two characters of the names, in the order of [`Province::ALL`]: they differ.
const BEGINNINGS: [&str; 34] = [
    "北京", "天津", "河北", "山西", "内蒙", "辽宁", "吉林", "黑龙", "上海", "江苏", "浙江", "安徽", "福建", "江西",
    "山东", "河南", "湖北", "湖南", "广东", "广西", "海南", "重庆", "四川", "贵州", "云南", "西藏", "陕西", "甘肃",
    "青海", "宁夏", "新疆", "台湾", "香港", "澳门",
];

impl Province {
    /// The province that a text names in its first two characters, as `provinceName` of WeChat does:
    /// `广东省`, `广东`.
    pub fn named(text: &str) -> Option<Self> {
        let text = text.trim();
        let place = BEGINNINGS.iter().position(|beginning| text.starts_with(beginning))?;
        Self::ALL.get(place).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_province_has_a_beginning_of_its_own() {
        assert_eq!(Province::ALL.len(), BEGINNINGS.len());
        assert_eq!(BEGINNINGS.iter().collect::<BTreeSet<_>>().len(), BEGINNINGS.len());
    }

    #[test]
    fn names_of_all_lengths_are_known() {
        for (text, province) in [
            ("北京市", Province::Beijing),
            (" 广东 ", Province::Guangdong),
            ("内蒙古自治区", Province::InnerMongolia),
            ("黑龙江省", Province::Heilongjiang),
            ("山西省", Province::Shanxi),
            ("陕西省", Province::Shaanxi),
            ("澳门特别行政区", Province::Macao),
        ] {
            assert_eq!(Province::named(text), Some(province), "{text}");
        }
        assert_eq!(Province::named("California"), None);
        assert_eq!(Province::named(""), None);
    }
}
