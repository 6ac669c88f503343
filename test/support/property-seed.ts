/**
 * Property tests try the same cases in every run, so that a change is judged by itself and a failure comes again.
 * `MXP_SEED=<number>` tries others; a seed that finds something lands as a case of its own.
 */
import { configureGlobal } from "fast-check";

configureGlobal({ seed: Number(process.env["MXP_SEED"] ?? 20_261_125) });
