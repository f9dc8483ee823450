public import Rollout

/// Deployments as people see them and act on them.
public enum ReleasesPlaceholder {}
