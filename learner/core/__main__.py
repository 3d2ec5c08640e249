from learner.core.cli import main

raise SystemExit(main())
