/** What the value of a flag or an argument is, for completion in a shell. */
export type Completes = "file" | "directory";

interface FlagBase {
  /** One letter. */
  readonly short?: string;
  /** One line for the help, without a full stop. */
  readonly help: string;
  /** Not shown in the help nor completed. */
  readonly hidden?: boolean;
  /** The environment variable that holds the value when the flag is not on the line. */
  readonly env?: string;
}

/** `--flag`, `--no-flag`, `--flag=false`. */
export interface BooleanFlag extends FlagBase {
  /** Tells the kinds apart. */
  readonly type: "boolean";
  /**
   * The value when the flag is not given.
   * @default false
   */
  readonly default?: boolean;
}

/** `--flag VALUE`; given twice, the last one counts. */
export interface StringFlag extends FlagBase {
  /** Tells the kinds apart. */
  readonly type: "string";
  /** What the help calls the value. */
  readonly valueName: string;
  /** The value when the flag is not given. */
  readonly default?: string;
  /** The only values allowed; they narrow the type too. */
  readonly choices?: readonly string[];
  /** What a shell offers for the value. */
  readonly completes?: Completes;
}

/** `--flag N`: a whole number. */
export interface NumberFlag extends FlagBase {
  /** Tells the kinds apart. */
  readonly type: "number";
  /** What the help calls the value. */
  readonly valueName: string;
  /** The value when the flag is not given. */
  readonly default?: number;
  /**
   * The smallest value allowed.
   * @default 0
   */
  readonly minimum?: number;
}

/** `--flag A --flag B`: every value, in order. */
export interface StringsFlag extends FlagBase {
  /** Tells the kinds apart. */
  readonly type: "strings";
  /** What the help calls each value. */
  readonly valueName: string;
  /**
   * Whether commas separate values within one use of the flag; a field in double quotes may hold commas.
   * @default false
   */
  readonly commas?: boolean;
  /** What a shell offers for each value; others are allowed too. */
  readonly offers?: readonly string[];
  /** What a shell offers for the value. */
  readonly completes?: Completes;
}

/** A flag of any type. */
export type Flag = BooleanFlag | StringFlag | NumberFlag | StringsFlag;

/** Flags by the name code uses: `noClobber` is `--no-clobber` on the line. */
export type Flags = Readonly<Record<string, Flag>>;

type FlagValue<F extends Flag> = F extends BooleanFlag ? boolean
  : F extends StringsFlag ? readonly string[]
  : F extends NumberFlag ? F extends { readonly default: number } ? number : number | undefined
  : F extends { readonly choices: readonly (infer Choice)[] }
    ? F extends { readonly default: string } ? Choice : Choice | undefined
  : F extends { readonly default: string } ? string
  : string | undefined;

/** The value of each flag, typed after its declaration. */
export type FlagValues<F extends Flags> = { readonly [Name in keyof F]: FlagValue<F[Name]> };

/** A positional argument. */
export interface Argument {
  /**
   * What the usage line calls it.
   * @default the key in upper case
   */
  readonly valueName?: string;
  /** One line for the help, without a full stop. */
  readonly help: string;
  /** It may be left out; only those after it may be optional too. */
  readonly optional?: boolean;
  /** It takes one or more (with `optional`, any number of) arguments; one at most per command. */
  readonly repeated?: boolean;
  /** What a shell offers for it. */
  readonly completes?: Completes;
  /** The values a shell offers for it, which are the only ones allowed. */
  readonly choices?: readonly string[];
}

/** Positional arguments in the order of the line, by the name code uses. */
export type Arguments = Readonly<Record<string, Argument>>;

type ArgumentValue<A extends Argument> = A extends { readonly repeated: true } ? readonly string[]
  : A extends { readonly optional: true } ? string | undefined
  : string;

/** The value of each argument, typed after its declaration. */
export type ArgumentValues<A extends Arguments> = { readonly [Name in keyof A]: ArgumentValue<A[Name]> };
