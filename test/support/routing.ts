/** The section of `easel.yaml` by which each call goes to the upstream once, whatever was before. */
export const PATIENT_ROUTING = `routing:
  attempts: 1
  patience_seconds: 30
  breaker: { failures: 1000 }
`;
