/**
 * A bill of materials as CycloneDX 1.6. The same inputs give the same bytes: no time is in it, and its serial number
 * is made of its content.
 */
import { createHash } from "node:crypto";
import { Enums, Models, Serialize, Spec, SPDX } from "@cyclonedx/cyclonedx-library";
import type { NpmPackage, PackageList } from "./package-list.ts";

/** A component besides npm packages. */
export interface OtherComponent {
  readonly ref: string;
  readonly type: "application" | "data" | "file" | "container" | "library";
  readonly group: string | null;
  readonly name: string;
  readonly version: string | null;
  readonly purl: string | null;
  readonly sha256: string | null;
  /** Properties, under names of ours. */
  readonly properties: Readonly<Record<string, string>>;
  /** References of what it needs. */
  readonly needs: readonly string[];
}

export interface BillOfMaterials {
  /** What the bill is about, by its reference; it may be one of the components. */
  readonly subject: OtherComponent | NpmPackage;
  readonly packages: readonly NpmPackage[];
  readonly others: readonly OtherComponent[];
}

const TYPES = {
  application: Enums.ComponentType.Application,
  container: Enums.ComponentType.Container,
  data: Enums.ComponentType.Data,
  file: Enums.ComponentType.File,
  library: Enums.ComponentType.Library,
} as const;

/** The file of a bill. */
export function sbomText({ subject, packages, others }: BillOfMaterials): string {
  const bom = new Models.Bom();
  const components = new Map<string, Models.Component>();
  // In an order of our own: the library's depends on the language of whoever runs it.
  const all = [...packages, ...others].sort((a, b) => (refOf(a) < refOf(b) ? -1 : 1));
  for (const one of all) components.set(refOf(one), componentOf(one));
  const main = componentOf(subject);
  // The bill of a package: what it is about is an application, whoever else may use it as a library.
  main.type = Enums.ComponentType.Application;
  bom.metadata.component = main;
  for (const component of components.values()) bom.components.add(component);
  for (const one of [subject, ...all]) {
    const component = one === subject ? main : components.get(refOf(one));
    for (const need of [...one.needs].sort()) {
      const needed = components.get(need);
      if (needed !== undefined) component?.dependencies.add(needed.bomRef);
    }
  }
  bom.serialNumber = serialOf(serialized(bom));
  return serialized(bom);
}

function serialized(bom: Models.Bom): string {
  const factory = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
  const text = new Serialize.JsonSerializer(factory).serialize(bom, { sortLists: false, space: 2 });
  return `${text}\n`;
}

/** A UUID of version 8 (RFC 9562 §5.8): our own bits, here those of the digest. */
function serialOf(text: string): string {
  const bytes = createHash("sha256").update(text).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  return `urn:uuid:${parts.join("-")}-${hex.slice(20)}`;
}

function refOf(one: OtherComponent | NpmPackage): string {
  return "ref" in one ? one.ref : one.purl;
}

function componentOf(one: OtherComponent | NpmPackage): Models.Component {
  return "ref" in one ? otherComponent(one) : packageComponent(one);
}

function packageComponent(one: NpmPackage): Models.Component {
  const [, group, name = one.name] = /^(@[^/]+)\/(.+)$/.exec(one.name) ?? [];
  const component = new Models.Component(Enums.ComponentType.Library, name, {
    bomRef: one.purl,
    version: one.version,
    purl: one.purl,
    scope: one.isOptional ? Enums.ComponentScope.Optional : Enums.ComponentScope.Required,
    ...(group === undefined ? {} : { group }),
  });
  if (one.sha512 !== null) component.hashes.set(Enums.HashAlgorithm["SHA-512"], one.sha512);
  if (one.license !== null) component.licenses.add(licenseOf(one.license));
  return component;
}

function licenseOf(license: string): Models.License {
  if (SPDX.isSupportedSpdxId(license)) return new Models.SpdxLicense(license);
  if (/^\(?[\w.+-]+(?: (?:OR|AND|WITH) [\w.+-]+)+\)?$/.test(license)) {
    return new Models.LicenseExpression(license);
  }
  return new Models.NamedLicense(license);
}

function otherComponent(one: OtherComponent): Models.Component {
  const component = new Models.Component(TYPES[one.type], one.name, {
    bomRef: one.ref,
    ...(one.group === null ? {} : { group: one.group }),
    ...(one.version === null ? {} : { version: one.version }),
    ...(one.purl === null ? {} : { purl: one.purl }),
  });
  if (one.sha256 !== null) component.hashes.set(Enums.HashAlgorithm["SHA-256"], one.sha256);
  for (const [name, value] of Object.entries(one.properties).sort()) {
    component.properties.add(new Models.Property(name, value));
  }
  return component;
}

/** The packages of a bill that `sbomText` made of a package. */
export function packagesOfSbom(text: string): PackageList {
  const { metadata, components, dependencies } = JSON.parse(text) as SbomFile;
  const needs = new Map(dependencies.map(({ ref, dependsOn = [] }) => [ref, dependsOn]));
  const read = (component: SbomComponent): NpmPackage => ({
    name: component.group === undefined ? component.name : `${component.group}/${component.name}`,
    version: component.version ?? "0.0.0",
    purl: component["bom-ref"],
    license: licenseText(component),
    sha512: component.hashes?.find(({ alg }) => alg === "SHA-512")?.content ?? null,
    isOptional: component.scope === "optional",
    needs: needs.get(component["bom-ref"]) ?? [],
  });
  return {
    root: read(metadata.component),
    packages: components.filter(({ purl = "" }) => purl.startsWith("pkg:npm/")).map(read),
  };
}

interface SbomComponent {
  readonly "bom-ref": string;
  readonly group?: string;
  readonly name: string;
  readonly version?: string;
  readonly purl?: string;
  readonly scope?: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly {
    readonly expression?: string;
    readonly license?: { readonly id?: string; readonly name?: string };
  }[];
}

interface SbomFile {
  readonly metadata: { readonly component: SbomComponent };
  readonly components: readonly SbomComponent[];
  readonly dependencies: readonly {
    readonly ref: string;
    readonly dependsOn?: readonly string[];
  }[];
}

function licenseText({ licenses = [] }: SbomComponent): string | null {
  const [first] = licenses;
  return first?.expression ?? first?.license?.id ?? first?.license?.name ?? null;
}
