export type InstrumentKind =
  | 'counter'
  | 'up_down_counter'
  | 'gauge'
  | 'histogram'
  | 'observable_counter'
  | 'observable_up_down_counter'
  | 'observable_gauge';

export interface InstrumentDefinition {
  readonly kind: InstrumentKind;
  /** UCUM. */
  readonly unit: string;
  readonly description: string;
  /** Attribute keys that a series may carry, besides the `labels` that the configuration gives to an upstream. */
  readonly attributes: readonly string[];
  /** Histograms only: upper bounds, in the unit of the instrument. */
  readonly bounds?: readonly number[];
  /** `stable` = named so by the semantic conventions; `development` = may still be renamed by them or by us. */
  readonly stability: 'stable' | 'development';
}

/** The bounds that the HTTP semantic conventions advise, seconds. */
export const HTTP_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] as const;
