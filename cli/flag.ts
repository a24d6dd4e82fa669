/** The kind of a flag's or an argument's value, for shell completion. */
export type Completes = "file" | "directory";

interface FlagBase {
  /** One letter. */
  readonly short?: string;
  /** One line for the help, without a full stop. */
  readonly help: string;
  /** Whether it is left out of the help and the completion. */
  readonly hidden?: boolean;
  /** The environment variable with the value if the flag is not on the command line. */
  readonly env?: string;
}

/** `--flag`, `--no-flag`, `--flag=false`. */
export interface BooleanFlag extends FlagBase {
  /** Distinguishes the types of flags. */
  readonly type: "boolean";
  /**
   * The value without the flag.
   *
   * @default false
   */
  readonly default?: boolean;
}

/** `--flag VALUE`; if repeated, the last one counts. */
export interface StringFlag extends FlagBase {
  /** Distinguishes the types of flags. */
  readonly type: "string";
  /** The name of the value in the help. */
  readonly valueName: string;
  /** The value without the flag. */
  readonly default?: string;
  /** The only valid values, which also narrow the type. */
  readonly choices?: readonly string[];
  /** The kind of value for shell completion. */
  readonly completes?: Completes;
  /**
   * Whether it names a file with values for the other flags; see `readConfig`.
   *
   * @default false
   */
  readonly isConfig?: boolean;
}

/** `--flag N`: a whole number. */
export interface NumberFlag extends FlagBase {
  /** Distinguishes the types of flags. */
  readonly type: "number";
  /** The name of the value in the help. */
  readonly valueName: string;
  /** The value without the flag. */
  readonly default?: number;
  /**
   * The smallest value allowed.
   * @default 0
   */
  readonly minimum?: number;
}

/** `--flag A --flag B`: every value, in order. */
export interface StringsFlag extends FlagBase {
  /** Distinguishes the types of flags. */
  readonly type: "strings";
  /** The name of each value in the help. */
  readonly valueName: string;
  /**
   * Whether commas separate values within one use of the flag; a field in double quotes may contain commas.
   *
   * @default false
   */
  readonly commas?: boolean;
  /** Values for shell completion; others are valid too. */
  readonly offers?: readonly string[];
  /** The kind of value for shell completion. */
  readonly completes?: Completes;
}

/** A flag of any type. */
export type Flag = BooleanFlag | StringFlag | NumberFlag | StringsFlag;

/** Flags by their name in code: `noClobber` is `--no-clobber` on the command line. */
export type Flags = Readonly<Record<string, Flag>>;

type FlagValue<F extends Flag> = F extends BooleanFlag ? boolean
  : F extends StringsFlag ? readonly string[]
  : F extends NumberFlag ? F extends { readonly default: number } ? number : number | undefined
  : F extends { readonly choices: readonly (infer Choice)[] }
    ? F extends { readonly default: string } ? Choice : Choice | undefined
  : F extends { readonly default: string } ? string
  : string | undefined;

/** The value of each flag, typed by its declaration. */
export type FlagValues<F extends Flags> = { readonly [Name in keyof F]: FlagValue<F[Name]> };

/** A positional argument. */
export interface Argument {
  /**
   * The name in the usage line.
   *
   * @default the key in upper case
   */
  readonly valueName?: string;
  /** One line for the help, without a full stop. */
  readonly help: string;
  /** Whether it may be left out, which requires the same of those after it. */
  readonly optional?: boolean;
  /** Whether it takes one or more arguments, or with `optional` any number; at most one per command. */
  readonly repeated?: boolean;
  /** The kind of value for shell completion. */
  readonly completes?: Completes;
  /** The only valid values, which shells complete. */
  readonly choices?: readonly string[];
}

/** Positional arguments in the order of the command line, by their name in code. */
export type Arguments = Readonly<Record<string, Argument>>;

type ArgumentValue<A extends Argument> = A extends { readonly repeated: true } ? readonly string[]
  : A extends { readonly optional: true } ? string | undefined
  : string;

/** The value of each argument, typed by its declaration. */
export type ArgumentValues<A extends Arguments> = { readonly [Name in keyof A]: ArgumentValue<A[Name]> };
