#pragma once
#include "pools/remote.h"
