import { type Outcomes, outcomesOf } from "../../make/outcomes.ts";
import type { ProgramModule } from "./world.ts";

/** What the programs of a place work with. */
export interface Surroundings {
  /** `host:port` of the open registry. */
  readonly registry: string;
  /** `host:port` of the closed registry. */
  readonly closed: string;
  /** The name of the place, which its repositories are named after. */
  readonly place: string;
  /** A folder for files, where the place has files. */
  readonly folder?: string;
}

/** Runs programs side by side: those that need files only where there are files. */
export async function runPrograms(
  programs: Readonly<Record<string, ProgramModule>>,
  { registry, closed, place, folder }: Surroundings,
): Promise<Outcomes> {
  const works = Object.entries(programs)
    .filter(([, { needs }]) => needs !== "files" || folder !== undefined)
    .map(([name, program]) => {
      const repository = `${registry}/${place}/${name}`;
      const path = `${folder}/${name.replaceAll("/", "-")}`;
      return [name, () => program.default({ registry, closed, repository, path })] as const;
    });
  return await outcomesOf(Object.fromEntries(works));
}
