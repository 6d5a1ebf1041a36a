"""The guided tour: seven steps on the sample, each with a mark beside the control that it is about."""
