"""The transaction log: records in segments, segments on one or more volumes, all volumes alike."""
