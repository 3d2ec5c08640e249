"""The site that ties what people do (annotation) to what the machine does (learner)."""
