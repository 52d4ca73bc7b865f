//! Which user agents are programs: crawlers, monitors, libraries that send requests. The list is data
//! that `scripts/crawlers` makes of a public one.

use std::sync::LazyLock;

/// A line is a part of a user agent, after [`BEGINNING`] its beginning. Sorted; no part is in another
/// one.
const LIST: &str = include_str!("../../data/crawlers.txt");
/// Before a part that a user agent begins with.
const BEGINNING: char = '^';
/// In the user agent of every phone and computer that runs WeChat, mini-programs and the developer
/// tools too: nobody has to be kept from testing.
const WECHAT: &str = "MicroMessenger";
/// WeChat's own crawler of mini-programs.
const CRAWLER_OF_WECHAT: &str = "mpcrawler";

/// The list, read when the first user agent without WeChat comes.
static CRAWLERS: LazyLock<Crawlers> = LazyLock::new(|| {
    let lines = LIST.lines().filter(|line| !line.starts_with('#'));
    let (beginnings, parts): (Vec<_>, Vec<_>) = lines.partition(|line| line.starts_with(BEGINNING));
    let beginnings = beginnings.into_iter().map(|line| line.trim_start_matches(BEGINNING)).collect();
    Crawlers { beginnings, parts }
});

struct Crawlers {
    beginnings: Vec<&'static str>,
    parts: Vec<&'static str>,
}

/// Whether this `User-Agent` is a program's, and nobody looks at what it opens.
pub fn is_crawler(agent: &str) -> bool {
    if agent.contains(WECHAT) {
        return agent.contains(CRAWLER_OF_WECHAT);
    }
    let Crawlers { beginnings, parts } = &*CRAWLERS;
    begins(agent, beginnings) || agent.char_indices().any(|(place, _)| begins(&agent[place..], parts))
}

/// Whether a text begins with one of these, of which none begins with another: it can only be the last
/// one that is not after the text.
fn begins(text: &str, sorted: &[&str]) -> bool {
    let after = sorted.partition_point(|part| *part <= text);
    sorted[..after].last().is_some_and(|part| text.starts_with(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLES: &str = include_str!("../../data/crawlers.examples.txt");
    const PHONES: &str = include_str!("../../data/phones.examples.txt");

    fn lines(text: &str) -> impl Iterator<Item = &str> {
        text.lines().filter(|line| !line.starts_with('#'))
    }

    #[test]
    fn every_example_of_the_list_is_recognised() {
        assert!(lines(EXAMPLES).count() > 2_000);
        let missed: Vec<_> = lines(EXAMPLES).filter(|agent| !is_crawler(agent)).collect();
        assert!(missed.is_empty(), "{missed:#?}");
    }

    #[test]
    fn no_phone_is() {
        assert!(lines(PHONES).count() > 200);
        let taken: Vec<_> = lines(PHONES).filter(|agent| is_crawler(agent)).collect();
        assert!(taken.is_empty(), "{taken:#?}");
        for device in
            ["Spider X1", "Spider 8", "CUBOT X70", "Cubot Note", "Crawler 2", "HTC Butterfly", "O+ Sonic", "Fever_Plus"]
        {
            let agent = format!(
                "Mozilla/5.0 (Linux; Android 14; {device}) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36"
            );
            assert!(!is_crawler(&agent), "{agent}");
        }
        assert!(!is_crawler(""), "who says nothing is nobody in particular");
    }

    #[test]
    fn wechat_is_people_whatever_the_phone_is_called() {
        for agent in [
            "Mozilla/5.0 (Linux; Android 14; CUBOT X70 Build/UP1A) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 \
             Chrome/126.0 XWEB/1260059 MMWEBSDK/20240404 MMWEBID/88 MicroMessenger/8.0.49.2600(0x2800313D) WeChat/arm64 \
             Weixin NetType/WIFI Language/zh_CN ABI/arm64 MiniProgramEnv/android",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 \
             MicroMessenger/8.0.54(0x1800362c) NetType/4G Language/zh_CN",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/122.0 Safari/537.36 MicroMessenger/7.0.20.1781 \
             NetType/WIFI MiniProgramEnv/Windows WindowsWechat/WMPF WindowsWechat(0x63090c11)XWEB/11275",
            "Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 ArkWeb/4.1.6.1 Mobile MicroMessenger/8.0.6 MiniProgramEnv/ohos",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 16_0 like Mac OS X) AppleWebKit/604.1.38 wechatdevtools/1.06.2401020 \
             MicroMessenger/8.0.5 Language/zh_CN webview/",
            "okhttp/4.9 MicroMessenger/8.0.54 MiniProgramEnv",
        ] {
            assert!(!is_crawler(agent), "{agent}");
        }
        assert!(is_crawler("mpcrawler") && is_crawler("Mozilla/5.0 (iPhone) MicroMessenger/8.0 mpcrawler"));
    }

    #[test]
    fn programs_are_not() {
        for agent in [
            "python-requests/2.32.3",
            "curl/8.5.0",
            "Wget/1.21.4",
            "okhttp/4.12.0",
            "Go-http-client/2.0",
            "Java/21.0.2",
            "axios/1.7.2",
            "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
            "Mozilla/5.0 (Linux; Android 7.0;) AppleWebKit/537.36 Mobile Safari/537.36 (compatible; PetalBot;+https://webmaster.petalsearch.com/site/petalbot)",
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
            "Mozilla/5.0 (compatible; Baiduspider-render/2.0; +http://www.baidu.com/search/spider.html)",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/126.0 Safari/537.36",
        ] {
            assert!(is_crawler(agent), "{agent}");
        }
    }

    #[test]
    fn the_list_is_as_the_search_wants_it() {
        let Crawlers { beginnings, parts } = &*CRAWLERS;
        assert!(parts.len() > 1_400 && beginnings.len() > 50);
        for list in [parts, beginnings] {
            assert!(list.is_sorted());
            for pair in list.windows(2) {
                assert!(!pair[1].starts_with(pair[0]), "{pair:?}");
            }
        }
        assert!(parts.contains(&CRAWLER_OF_WECHAT));
    }
}
