"""Classes of objects in the window: by key, click, rule and classifier, and checked one by one."""
