// Compiles only if closed sets are unions, and open ones are not.
import type { components, operations } from "./schema";

type Schemas = components["schemas"];
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
type Open<A> = string extends A ? true : never;
type Query<Name extends keyof operations> = NonNullable<operations[Name]["parameters"]["query"]>;

const role: Same<Schemas["Role"], "staff" | "admin" | "boss"> = true;
const roleOfMember: Same<Schemas["MemberBody"]["role"], Schemas["Role"]> = true;
const kind: Same<Schemas["Me"]["kind"], "visitor" | "member"> = true;
const status: Same<Schemas["StatusUpdate"]["status"], "active" | "disabled" | "left"> = true;
const activation: Same<Schemas["RadarBody"]["state"], "none" | "granted" | "redeemed" | "joined"> = true;
const sms: Same<Schemas["RadarCodeSent"]["sms"], "sent" | "not_configured"> = true;
const band: Same<
  NonNullable<Schemas["CloseRate"]["band"]>,
  "below_50" | "below_80" | "below_99" | "below_100"
> = true;
const reason: Same<
  NonNullable<Schemas["FeedLine"]["filtered"]>,
  "bot" | "own" | "colleague" | "burst" | "daily_limit" | "dwell_time" | "reused_batch" | "anonymous" | "unknown_share"
> = true;
const upload: Same<Schemas["UploadBody"]["state"], "waiting" | "ready" | "refused"> = true;
const locked: Same<
  Schemas["CardBody"]["locked_fields"][number],
  "address" | "introduction" | "style" | "share_phrase" | "welcome_text"
> = true;
const pastWindow: Same<
  Query<"get_card_objects">["window"],
  "yesterday" | "last_7_days" | "last_30_days" | undefined
> = true;
const anyWindow: Same<
  Query<"get_rankings">["window"],
  "total" | "yesterday" | "last_7_days" | "last_30_days" | undefined
> = true;
const book: Same<operations["list_phrases"]["parameters"]["path"]["book"], "chat" | "follow_up"> = true;
const actor: Same<
  Schemas["AuditLine"]["actor"]["type"],
  "member" | "operator" | "rule"
> = true;
const fields: Same<Schemas["UploadTicket"]["fields"], { [key: string]: string }> = true;
const notFound: "not_found" extends Schemas["Problem"]["code"] ? true : never = true;
// @ts-expect-error the set of problem codes is closed
const noCode: "no_such_code" extends Schemas["Problem"]["code"] ? true : never = true;
const name: Open<Schemas["MemberBody"]["name"]> = true;

// An analysis reads no parameter of another one.
// @ts-expect-error behaviour has no limit
const limit: "limit" extends keyof Query<"get_card_behaviour"> ? true : never = true;

export default [
  role, roleOfMember, kind, status, activation, sms, band, reason, upload, locked, pastWindow, anyWindow, book, actor,
  fields, notFound, noCode, name, limit,
];
