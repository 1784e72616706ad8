package sql

import _ "embed"

// Queries of the doctor, each named for what it looks at.
var (
	//go:embed queries/doctor_own_rights.sql
	DoctorOwnRights string
	//go:embed queries/doctor_connections.sql
	DoctorConnections string
	//go:embed queries/doctor_replicas.sql
	DoctorReplicas string
	//go:embed queries/doctor_slots.sql
	DoctorSlots string
	//go:embed queries/doctor_leftovers.sql
	DoctorLeftovers string
	//go:embed queries/doctor_indexes.sql
	DoctorIndexes string
	//go:embed queries/doctor_reads.sql
	DoctorReads string
	//go:embed queries/doctor_access.sql
	DoctorAccess string
	//go:embed queries/doctor_mappings.sql
	DoctorMappings string
	//go:embed queries/doctor_extensions.sql
	DoctorExtensions string
)
