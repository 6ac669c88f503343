/** Writes a host's coverage after each test file: vitest ends its processes before they would. */
import { takeCoverage } from "node:v8";
import { afterAll } from "vitest";

afterAll(() => takeCoverage());
