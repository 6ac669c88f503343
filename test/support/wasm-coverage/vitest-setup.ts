/**
 * Writes the engine's coverage after each test file; vitest may end its threads without an exit
 * event.
 */
import { afterAll } from "vitest";
import { writeCoverage } from "./collect.ts";

afterAll(() => writeCoverage());
