/**
 * The published manifests: `.rtt/manifests/<ns>.<type>.<name>[.<variant>].json` of symbols and
 * `agents/common/<id>.agent.json` of agents. Their bodies are kept as they are, and they say their own addresses.
 */
import { isJsonObject, type JsonObject } from "../../../trust/canonical-json.ts";
import { publishedAddress } from "../../registry/object.ts";
import { parseSymbolAddress, type SymbolAddress } from "../../symbol.ts";
import { type Reader, Sheet, shown } from "../source-file.ts";
import { parseJsonText } from "../text/json-text.ts";
import type { ParsedText } from "../text/parsed.ts";

const SYMBOL_SCHEMA = "https://rtt/spec/v1";
const AGENT_SCHEMA = "https://rtt/agent-manifest/v1";
const DIRECTIONS = ["provider", "consumer", "both"];

export const readRttManifest: Reader = (file) => {
  const sheet = new Sheet(file);
  const json = parseJsonText(file.text, { isCommented: false });
  if ("fault" in json) return sheet.fault(json.fault);
  const symbol = json.value["symbol"];
  if (!isSchema(sheet, json, SYMBOL_SCHEMA)) return sheet;
  if (!isJsonObject(symbol)) {
    sheet.problem(json.lineOf(["symbol"]), "field-missing", '"symbol" must be an object');
    return sheet;
  }
  if (!hasNeeded(sheet, json, symbol)) return sheet;
  const line = json.lineOf(["symbol", "saddr"]);
  const address = addressOf(sheet, symbol["saddr"] as string, line);
  if (address === null) return sheet;
  if (symbol["type"] !== address.type) {
    sheet.problem(
      json.lineOf(["symbol", "type"]),
      "name-mismatch",
      `The address is of a ${address.type}`,
    );
    return sheet;
  }
  const { namespace, type, name, variant } = address;
  const tail = variant === null ? "" : `.${variant}`;
  const wanted = `${namespace.replaceAll("/", ".")}.${type}.${name}${tail}.json`;
  if (file.place.below.at(-1) !== wanted) {
    sheet.problem(line, "name-mismatch", `A manifest of this address is named ${wanted}`);
    return sheet;
  }
  sheet.addAddressed(type, address, json.value, line);
  return sheet;
};

export const readRttAgent: Reader = (file) => {
  const sheet = new Sheet(file);
  const json = parseJsonText(file.text, { isCommented: false });
  if ("fault" in json) return sheet.fault(json.fault);
  if (!isSchema(sheet, json, AGENT_SCHEMA)) return sheet;
  const id = json.value["id"];
  const line = json.lineOf(["id"]);
  if (typeof id !== "string" || id === "") {
    sheet.problem(line, "field-missing", '"id" must be a text');
    return sheet;
  }
  if (file.place.below.at(-1) !== `${id}.agent.json`) {
    sheet.problem(line, "name-mismatch", `The agent ${shown(id)} lies in a file of another name`);
    return sheet;
  }
  const saddr = json.value["rtt_saddr"];
  const address =
    saddr === undefined
      ? publishedAddress(json.value)
      : addressOf(sheet, typeof saddr === "string" ? saddr : "", json.lineOf(["rtt_saddr"]));
  if (address !== null) sheet.addAddressed("agent", address, json.value, line);
  else if (saddr === undefined) {
    sheet.problem(line, "address-invalid", `Name and version of ${shown(id)} make no address`);
  }
  return sheet;
};

function isSchema(sheet: Sheet, json: ParsedText, schema: string): boolean {
  if (json.value["$schema"] === schema) return true;
  sheet.problem(json.lineOf(["$schema"]), "field-missing", `"$schema" must be "${schema}"`);
  return false;
}

/** Whether a manifest has what the published form requires. */
function hasNeeded(sheet: Sheet, json: ParsedText, symbol: JsonObject): boolean {
  const wrong = (name: string, expected: string): boolean => {
    sheet.problem(json.lineOf(["symbol", name]), "field-missing", `"${name}" must be ${expected}`);
    return false;
  };
  if (typeof symbol["saddr"] !== "string") return wrong("saddr", "the address");
  if (typeof symbol["type"] !== "string") return wrong("type", "the type of the symbol");
  const { direction, capabilities, qos } = symbol;
  if (typeof direction !== "string" || !DIRECTIONS.includes(direction)) {
    return wrong("direction", `one of ${DIRECTIONS.join(", ")}`);
  }
  if (!Array.isArray(capabilities) || capabilities.some((one) => typeof one !== "string")) {
    return wrong("capabilities", "a list of texts");
  }
  return isJsonObject(qos) || wrong("qos", "an object");
}

function addressOf(sheet: Sheet, text: string, line: number): SymbolAddress | null {
  try {
    return parseSymbolAddress(text);
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    sheet.problem(line, "address-invalid", message.replace(/^symbol-invalid: /, ""));
    return null;
  }
}
